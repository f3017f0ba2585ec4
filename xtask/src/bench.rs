//! `cargo xtask bench`: fetches the rivals, builds for release, and hands over to the program that measures.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lexopt::prelude::*;

use crate::{Result, process, rivals, workspace};

const HELP: &str = "\
Measures runward beside its rivals in one run, interleaved, and prints the ratios

usage: cargo xtask bench [OPTIONS] [ROW…]

  --quick      fewer rounds: shows that everything runs, not who is fast
  --json FILE  write every figure there as well
  --cached     fetch no rivals; use those that an earlier run has found
  -h, --help   this text

rows: acquire handover scan sweep spawn state tree memory idle teardown overlay evidence canary; all of them by default

Rivals are installed where that can be done without asking (root on Debian, cargo, pip);
one that cannot be had is a row with the reason. Timing never fails this command.
";

/// What the command line asked for.
#[derive(Default)]
struct Options {
    cached: bool,
    /// Passed on as they are.
    measuring: Vec<std::ffi::OsString>,
}

pub(crate) fn main(mut args: lexopt::Parser) -> Result {
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("cached") => options.cached = true,
            Long("quick") => options.measuring.push("--quick".into()),
            Long("json") => {
                let file = std::path::absolute(args.value()?)?;
                options.measuring.extend(["--json".into(), file.into()]);
            }
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            Value(row) => options.measuring.push(row),
            other => return Err(other.unexpected().into()),
        }
    }
    run(&options)
}

fn run(options: &Options) -> Result {
    let list = workspace::target().join("bench/rivals.json");
    if !(options.cached && list.is_file()) {
        fs::create_dir_all(workspace::target().join("bench"))?;
        fs::write(&list, format!("{:#}\n", rivals::provide()))?;
    }
    let programs = build()?;
    let mut command = Command::new(programs.join("runward-bench"));
    command.arg("--rivals").arg(list).args(&options.measuring);
    process::run(&mut command)
}

/// Builds what measures and what is measured; returns the folder of the programs.
fn build() -> Result<PathBuf> {
    for package in ["runward-bench", "runward"] {
        let args = ["build", "--release", "--bins", "--package", package];
        process::run(&mut process::cargo(args))?;
    }
    Ok(workspace::target().join(host()?).join("release"))
}

/// The triple that `build.target = "host-tuple"` stands for; it is a folder below target.
fn host() -> Result<String> {
    let told = process::output(Command::new("rustc").arg("-vV"))?;
    let line = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.ok_or("`rustc -vV` names no host")?.to_owned())
}
