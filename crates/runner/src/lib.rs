//! `runward`: a CI run owns what it uses, ends when it should, and cleans up after itself even when it is killed.
//!
//! ```text
//! runward run --app web --deadline 30m --teardown 'docker compose down' -- ./deploy.sh staging
//! ```
//!
//! This crate is the command, and it is thin: it joins what the other crates of the family do, and holds no mechanism of
//! its own. Use those crates from a program; use this one from a shell or a CI file.
//!
//! | a run | comes from |
//! |---|---|
//! | owns its apps | `runward-lock` |
//! | holds its processes, ends on time, tears down whatever happens | `runward-lifetime` |
//! | holds them in a cgroup | `runward-cgroup` |
//! | has a state directory of its own | `runward-abradir` |
//! | finds nothing left of dead ones | `runward-janitor`, `runward-swarm` |
//! | is judged by what it left | `runward-evidence` |
//!
//! What is here: the command line and its three layers of options, the identity that a CI gives a run, the places where
//! locks and journals live, the plan that `--dry-run` prints, the record and the events that machines read.
//!
//! # Guarantees
//!
//! - The exit code is that of the program, or one of the table in [`exit`]; a red code is never replaced.
//! - stdout belongs to the program; what runward says goes to stderr, and its last line there is the summary.
//! - The exit code is right with stdout and stderr closed, and with a reader that left.
//! - `--result` holds a whole record or what it held before; each line of `--events` is whole.
//!   Lines that cannot be written are told of at the end.
//! - No text that a pull request can write reaches a path but as letters, digits, `.`, `_` and `-`.
//!
//! # Limits
//!
//! - Linux. What a host can hold and how strongly, `runward doctor` says.
//! - The identity of a run is what the environment claims; it names, it does not authenticate.
//! - The limit of a Buildkite job counts from the start of runward, as nothing says when the job started.
//! - Two runs in one step of a CI have the same run id; their journals are kept apart by process.
//! - The record is not flushed to the disk: a power cut may lose it, a SIGKILL does not.
//! - A bundle is private to the user, and moves within one file system: its place is no mount point. A seal names its run, it does not authenticate it.
//! - Words that are not UTF-8 are passed on as they are, and shown in plan, record and events with replacements.
#![forbid(unsafe_code)]

mod canary;
mod cli;
mod commands;
mod duration;
mod environment;
mod error;
mod events;
pub mod exit;
mod identity;
mod places;
mod plan;
mod record;
mod reserve;
mod run;
mod settings;
mod slug;
mod summary;
mod sweep;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

/// The whole command: parses the arguments of this process, does what they say, and returns the exit code.
#[must_use = "the exit code is what the run was for"]
pub fn main() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => dispatch(cli.command),
        Err(e) => commands::not_understood(&e),
    };
    code.into()
}

fn code_of(done: error::Result<u8>) -> u8 {
    done.unwrap_or_else(|e| {
        terminal::say(&e);
        e.code()
    })
}

fn dispatch(command: Command) -> u8 {
    let done = match command {
        Command::Run(args) => return run::main(*args),
        Command::Canary { command } => return canary::main(&command),
        Command::Sweep(args) => return code_of(sweep::main(&args)),
        Command::Verify(args) => return code_of(commands::evidence::verify(&args)),
        Command::Attest(args) => return code_of(commands::evidence::attest(&args)),
        Command::Prove(args) => return code_of(commands::evidence::prove(&args)),
        Command::Explain(args) => return code_of(commands::evidence::explain(&args)),
        Command::Spec { name } => return code_of(commands::evidence::spec(name.as_deref())),
        Command::Lint(args) => return code_of(commands::evidence::lint(&args)),
        Command::Swarm { command } => return code_of(commands::swarm::main(&command)),
        Command::Locks(args) => commands::locks::main(&args),
        Command::Doctor(args) => commands::doctor::main(&args),
        Command::Whoami(args) => commands::whoami::main(&args),
        Command::Completions { shell } => commands::manual::completions(shell),
        Command::Man { command } => commands::manual::page(&command),
    };
    match done {
        Ok(()) => 0,
        Err(e) => {
            terminal::say(&e);
            e.code()
        }
    }
}
