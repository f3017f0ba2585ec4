//! `cargo xtask ci`: everything that has to hold before a change lands.

use std::time::{Duration, Instant};

use lexopt::prelude::*;

use crate::{Result, deps, fuzz, process, test};

const HELP: &str = "\
Runs what CI runs; every step, even after one has failed

usage: cargo xtask ci

  test     cargo xtask test --forbid-skips
  format   cargo fmt --all --check
  lints    cargo clippy, warnings are errors
  doc      cargo doc, warnings are errors
  deps     cargo xtask deps
  fuzz     cargo xtask fuzz
";

type Step = (&'static str, fn() -> Result);

const STEPS: &[Step] = &[
    ("format", format),
    ("deps", deps::check),
    ("test", test),
    ("lints", lints),
    ("doc", doc),
    ("fuzz", fuzz::check),
];

pub(crate) fn main(mut args: lexopt::Parser) -> Result {
    match args.next()? {
        None => run(),
        Some(Short('h') | Long("help")) => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(other.unexpected().into()),
    }
}

fn run() -> Result {
    let outcomes: Vec<_> = STEPS.iter().map(timed).collect();
    println!();
    for (name, took, outcome) in &outcomes {
        let seconds = took.as_secs();
        match outcome {
            Ok(()) => println!("ci: {name}: ok, {seconds} s"),
            Err(error) => println!("ci: {name}: FAILED, {seconds} s: {error}"),
        }
    }
    let failed = outcomes.iter().filter(|(_, _, outcome)| outcome.is_err());
    match failed.count() {
        0 => Ok(()),
        n => Err(format!("{n} of {} steps failed", STEPS.len()).into()),
    }
}

fn timed((name, step): &Step) -> (&'static str, Duration, Result) {
    eprintln!("\n== {name}");
    let began = Instant::now();
    let outcome = step();
    if let Err(error) = &outcome {
        eprintln!("xtask: {name}: {error}");
    }
    (name, began.elapsed(), outcome)
}

fn test() -> Result {
    test::run(&test::Options {
        forbid_skips: true,
        ..Default::default()
    })
}

fn format() -> Result {
    let all = ["fmt", "--all", "--check", "--", "-l"];
    let fuzz = [
        "fmt",
        "--manifest-path=fuzz/Cargo.toml",
        "--check",
        "--",
        "-l",
    ];
    let check = |args: &[&str]| process::run(&mut process::cargo(args));
    check(&all).and_then(|()| check(&fuzz)).map_err(|e| {
        format!("{e}; the files are listed above, `cargo fmt --all` sees to them").into()
    })
}

fn lints() -> Result {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    process::run(&mut process::cargo(args))
}

fn doc() -> Result {
    let mut command = process::cargo(["doc", "--workspace", "--no-deps"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
