//! `cargo xtask test`: everything that the tests need, all of them, and a word on each that did not run.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use lexopt::prelude::*;

use crate::skips::{self, SkipLog};
use crate::{Result, packages, process};

const HELP: &str = "\
Runs every test of the workspace, documentation and examples included

usage: cargo xtask test [OPTIONS] [-- FILTER or options of the test harness]

  --forbid-skips  a test that was skipped or ignored is a failure (CI does this)
  --quick         install no packages, leave documentation tests out
  -h, --help      this text

As root on Debian, missing packages are installed; elsewhere they are named.
A test that lacks something here skips; its name and the reason are listed at the end.
Tests may run `cargo test` alone, too: this command only adds the packages and the list.
";

/// What the command line asked for.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) forbid_skips: bool,
    pub(crate) quick: bool,
    pub(crate) harness: Vec<String>,
}

pub(crate) fn main(mut args: lexopt::Parser) -> Result {
    let mut options = Options::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("forbid-skips") => options.forbid_skips = true,
            Long("quick") => options.quick = true,
            Short('h') | Long("help") => return help(),
            Value(word) => options.harness.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    run(&options)
}

fn help() -> Result {
    print!("{HELP}");
    Ok(())
}

/// Runs the tests; fails if one of them did, if none ran, or if one was skipped where that is forbidden.
pub(crate) fn run(options: &Options) -> Result {
    if !options.quick {
        packages::provide()?;
    }
    let log = SkipLog::begin()?;
    // Tests of one package run the programs of another, which cargo builds only when it is told to.
    process::run(&mut process::cargo([
        "build",
        "--workspace",
        "--bins",
        "--examples",
    ]))?;

    let mut tally = Tally::default();
    let mut outcome = stream(&mut tests(options, &log, TARGETS), &mut tally);
    if !options.quick {
        let documentation = stream(&mut tests(options, &log, &["--doc"]), &mut tally);
        outcome = outcome.and(documentation);
    }
    conclude(options, &log, &tally, outcome)
}

const TARGETS: &[&str] = &["--lib", "--bins", "--tests", "--examples"];

fn tests(options: &Options, log: &SkipLog, targets: &[&str]) -> Command {
    let mut command = process::cargo(["test", "--workspace", "--no-fail-fast"]);
    command.args(targets).arg("--").args(&options.harness);
    command.env(skips::LOG, log.path());
    if options.forbid_skips {
        command.env(skips::FORBID, "1");
    }
    command
}

/// What the harnesses reported, added up.
#[derive(Default, Debug, PartialEq)]
struct Tally {
    passed: usize,
    failed: usize,
    ignored: Vec<String>,
}

impl Tally {
    fn read(&mut self, line: &str) {
        if let Some(totals) = line.strip_prefix("test result: ") {
            self.passed += count(totals, "passed");
            self.failed += count(totals, "failed");
        } else if let Some((test, reason)) = ignored(line).filter(|(_, why)| *why != OTHER_PROCESS)
        {
            self.ignored.push(format!("{test}: {reason}"));
        }
    }
}

/// The number before a word, in `ok. 3 passed; 0 failed; …`.
fn count(totals: &str, word: &str) -> usize {
    let mut before = "";
    for token in totals.split([' ', ';']) {
        if token == word {
            return before.parse().unwrap_or(0);
        }
        before = token;
    }
    0
}

/// What other tests start by its name is no test that was left out.
const OTHER_PROCESS: &str = "the other process of the other tests";

/// The name and the reason in `test NAME ... ignored, REASON`.
fn ignored(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
    Some((name, rest.strip_prefix(", ").unwrap_or("ignored")))
}

/// Passes the output on as it comes and reads the totals off it.
fn stream(command: &mut Command, tally: &mut Tally) -> Result {
    eprintln!("+ {}", process::shown(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let pipe = child.stdout.take().ok_or("the pipe of cargo is gone")?;
    let mut out = std::io::stdout();
    for line in BufReader::new(pipe).split(b'\n') {
        let line = line?;
        out.write_all(&line)?;
        out.write_all(b"\n")?;
        tally.read(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}`: {status}", process::shown(command)).into())
    }
}

fn conclude(options: &Options, log: &SkipLog, tally: &Tally, outcome: Result) -> Result {
    let mut skipped = log.read()?;
    skipped.extend(tally.ignored.iter().cloned());
    println!();
    for test in log.without_data()? {
        println!("nothing to read for: {test}");
    }
    for skip in &skipped {
        println!("skipped: {skip}");
    }
    let Tally { passed, failed, .. } = tally;
    println!(
        "{passed} passed, {failed} failed, {} skipped",
        skipped.len()
    );
    outcome?;
    if options.forbid_skips && !skipped.is_empty() {
        return Err("tests were skipped, which --forbid-skips forbids; see the list above".into());
    }
    if passed + failed == 0 && options.harness.is_empty() {
        return Err("no test ran".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn totals_of_several_harnesses_add_up() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally
            .read("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.read("test slow::one ... ignored, needs a VM");
        tally.read("test a ... ok");
        let expected = Tally {
            passed: 5,
            failed: 4,
            ignored: vec!["slow::one: needs a VM".into()],
        };
        assert_eq!(tally, expected);
    }
}
