//! `cargo xtask fuzz`: what reads other people's bytes, fed with bytes that nobody would write.

use std::path::{Path, PathBuf};
use std::process::Command;

use lexopt::prelude::*;

use crate::{Result, apt, deps, process, workspace};

const HELP: &str = "\
Fuzzes what reads other people's bytes, from the inputs in fuzz/corpus

usage: cargo xtask fuzz [--seconds N] [TARGET]

  --seconds N  for each target; 20 unless told
  --keep       write the smallest inputs that reach all that was reached into fuzz/corpus
  TARGET       json, spec or engine; all of them unless told

Needs a C++ compiler and cargo-fuzz, which is built once into target/tools (or into the folder that
XTASK_TOOLS names). What is found on the way is kept in target/fuzz-found, and goes on from there.
An input that ends in a panic, a hang or a gigabyte of memory is a failure; it is in fuzz/artifacts.
";

const TARGETS: [&str; 3] = ["json", "spec", "engine"];
const CARGO_FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.2");
const SECONDS: u32 = 20;
/// By the branches they reach, and not by how often: few and small inputs.
const MERGE: [&str; 2] = ["-set_cover_merge=1", "-use_counters=0"];
/// Beyond these an input is a failure: megabytes, seconds.
const LIMITS: [&str; 3] = ["-rss_limit_mb=1000", "-timeout=30", "-max_len=4096"];

/// What the command line asked for.
struct Options {
    seconds: u32,
    keep: bool,
    targets: Vec<String>,
}

pub(crate) fn main(mut args: lexopt::Parser) -> Result {
    let mut options = Options {
        seconds: SECONDS,
        keep: false,
        targets: Vec::new(),
    };
    while let Some(arg) = args.next()? {
        match arg {
            Long("seconds") => options.seconds = args.value()?.parse()?,
            Long("keep") => options.keep = true,
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            Value(name) => options.targets.push(known(name.string()?)?),
            other => return Err(other.unexpected().into()),
        }
    }
    run(&options)
}

/// What CI runs: each target for a while.
pub(crate) fn check() -> Result {
    run(&Options {
        seconds: SECONDS,
        keep: false,
        targets: Vec::new(),
    })
}

fn known(name: String) -> Result<String> {
    match TARGETS.contains(&&*name) {
        true => Ok(name),
        false => Err(format!("no target `{name}`; there are {}", TARGETS.join(", ")).into()),
    }
}

fn run(options: &Options) -> Result {
    compiler()?;
    let program = match process::find(CARGO_FUZZ.0) {
        Some(found) => found,
        None => deps::install(CARGO_FUZZ.0, CARGO_FUZZ.1, &["--debug"])?,
    };
    let all = options.targets.is_empty();
    let named = TARGETS
        .into_iter()
        .filter(|target| all || options.targets.iter().any(|name| name == target));
    for target in named {
        fuzz(&program, target, options)?;
    }
    Ok(())
}

/// The fuzzer's own part is C++.
fn compiler() -> Result {
    if process::find("c++").is_some() {
        return Ok(());
    }
    if apt::usable() {
        return apt::install(&["g++"]);
    }
    Err("fuzzing needs a C++ compiler; install g++, or your system's name for it".into())
}

fn fuzz(program: &Path, target: &str, options: &Options) -> Result {
    let found = workspace::target().join("fuzz-found").join(target);
    let corpus = workspace::root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&found)?;
    let time = format!("-max_total_time={}", options.seconds);
    let mut command = cargo_fuzz(program, target, &[&found, &corpus]);
    process::run(command.args(["-print_final_stats=1", &time]))?;
    if !options.keep {
        return Ok(());
    }
    let mut command = cargo_fuzz(program, target, &[&corpus, &found]);
    process::run(command.args(MERGE))
}

/// A target on folders of inputs; it writes into the first. Without a sanitizer it builds with the toolchain that
/// builds all else: there is no `unsafe` of ours in what it runs.
fn cargo_fuzz(program: &Path, target: &str, inputs: &[&PathBuf]) -> Command {
    let mut command = Command::new(program);
    command
        .args(["fuzz", "run", "--fuzz-dir", "fuzz", "--sanitizer", "none"])
        .arg("--target-dir")
        .arg(workspace::target().join("fuzz"))
        .arg(target)
        .args(inputs)
        .arg("--")
        .args(LIMITS)
        .current_dir(workspace::root());
    if target != "json" {
        command.arg("-dict=fuzz/toml.dict");
    }
    command
}
