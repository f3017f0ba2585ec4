//! `runward canary`: joins rules, sources, engine, ledger, alerts and what is shown. Everything that decides is in `runward-canary`.
pub(crate) mod args;
mod check;
mod clock;
mod cycle;
mod drill;
mod last;
mod ledger;
mod orphans;
mod proof;
mod replay;
mod setup;
mod sinks;
mod status;
mod watch;

use args::Command;

use crate::error::Error;
use crate::terminal;

/// Nothing is known: for a monitoring system the one code that is neither good nor bad news.
pub(crate) const UNKNOWN: u8 = 3;

pub(crate) fn main(command: &Command) -> u8 {
    let done = match command {
        Command::Check(args) => check::main(args),
        Command::Schema => check::schema(),
        Command::Rules { name } => check::rules(name.as_deref()),
        Command::Cycle(args) => cycle::main(args),
        Command::Watch(args) => watch::main(args),
        Command::Drill(args) => drill::main(args),
        Command::Status(args) => status::main(args),
        Command::Replay(args) => replay::main(args),
    };
    done.unwrap_or_else(|e| {
        terminal::say(terminal::printable(&e.to_string()));
        match command {
            Command::Cycle(args) if args.watched => watch::ERRORED,
            _ => UNKNOWN,
        }
    })
}

/// An error of the canary's own crates, as one of ours.
fn wrong(e: impl std::fmt::Display) -> Error {
    Error::config(e.to_string())
}
