//! `runward canary`: joins rules, sources, engine, ledger, alerts and what is shown. Everything that decides is in `runward-canary`.
pub(crate) mod args;
mod check;
mod clock;
mod cycle;
mod drill;
mod last;
mod ledger;
mod orphans;
mod outputs;
mod owner;
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
        Command::Launch(args) => drill::launch::main(args),
        Command::Status(args) => status::main(args),
        Command::Replay(args) => replay::main(args),
    };
    done.unwrap_or_else(|e| {
        let said = e.to_string();
        match command {
            // The watcher says it, once for as long as it is the same.
            Command::Cycle(args) if args.watched => {
                let _ = terminal::data(runward_canary::bounded(&said, 2_000).as_bytes());
                watch::ERRORED
            }
            _ => {
                terminal::say(terminal::printable(&said));
                UNKNOWN
            }
        }
    })
}

/// An error of the canary's own crates, as one of ours.
fn wrong(e: impl std::fmt::Display) -> Error {
    Error::config(e.to_string())
}
