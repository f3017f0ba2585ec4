//! Automation of this workspace; `cargo xtask help` says what there is.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its terminal"
)]

mod apt;
mod bench;
mod ci;
mod deps;
mod fuzz;
mod packages;
mod process;
mod rivals;
mod skips;
mod test;
mod workspace;

use std::process::ExitCode;

use lexopt::prelude::*;

/// What a command came to: a message for the person who ran it is all that a failure has to carry.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
Automation of the runward workspace

usage: cargo xtask COMMAND [OPTIONS]

commands:
  test    install what the tests need, build, run every test, name what was skipped
  ci      everything that CI checks: test, format, lints, documentation, dependencies, a minute of fuzzing
  deps    licences and duplicate versions of the dependencies, by the rules of deny.toml
  fuzz    feed what reads other people's bytes with bytes that nobody would write
  bench   measure runward beside its rivals, in one run
  help    this text; `cargo xtask COMMAND --help` tells more about a command
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        None | Some(Short('h') | Long("help")) => "help".to_owned(),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "test" => test::main(args),
        "ci" => ci::main(args),
        "deps" => deps::main(args),
        "fuzz" => fuzz::main(args),
        "bench" => bench::main(args),
        "help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("no command `{other}`\n\n{HELP}").into()),
    }
}
