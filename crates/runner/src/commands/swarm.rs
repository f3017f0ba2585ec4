//! Stacks on Docker Swarm, for people with that one pain: no lock is taken, no plan made, one stack seen to.
use std::ops::ControlFlow;

use runward_lock::LockDir;
use runward_swarm::{
    Convergence, Error as SwarmError, Event, Naming, Report, StackName, State, Teardown, Wait,
};
use serde::Serialize;

use super::{directories, print, print_json};
use crate::cli::{StackArgs, SwarmCommand};
use crate::environment::Environment;
use crate::error::Result;
use crate::settings::{ConfigFile, Places};
use crate::sweep::engine;
use crate::terminal::{self, printable};

/// Exit codes of `runward swarm`.
mod code {
    pub(super) const DONE: u8 = 0;
    pub(super) const FAILED: u8 = 1;
    pub(super) const UNFINISHED: u8 = 2;
    pub(super) const UNKNOWN: u8 = 3;
}

/// What `--json` shows of a wait.
#[derive(Serialize)]
struct Waited {
    schema: u32,
    stack: String,
    state: &'static str,
    services: Vec<Service>,
}

#[derive(Serialize)]
struct Service {
    name: String,
    state: &'static str,
    text: String,
}

/// What `--json` shows of a removal.
#[derive(Serialize)]
struct Removed {
    schema: u32,
    stack: String,
    clean: bool,
    removed: Vec<String>,
    left: Vec<String>,
    notes: Vec<String>,
}

pub(crate) fn main(command: &SwarmCommand) -> Result<u8> {
    let done = match command {
        SwarmCommand::Wait(args) => engine(args.of.docker.as_ref()).and_then(|engine| {
            let wait = Wait::new(&engine, StackName::new(&*args.of.stack)?);
            let timeout = args.timeout.map(|span| span.get());
            let wait = timeout.into_iter().fold(wait, Wait::timeout);
            let stable = args.stable.map(|span| span.get());
            let wait = stable.into_iter().fold(wait, Wait::stable);
            let mut said = Vec::new();
            wait.run(&mut |now| tell_progress(now, &mut said))
                .map(|settled| show_wait(&args.of, &settled))
        }),
        SwarmCommand::Rm(args) => engine(args.of.docker.as_ref()).and_then(|engine| {
            let teardown = Teardown::new(&engine, StackName::new(&*args.of.stack)?);
            let teardown = teardown.others(others(&args.places));
            let patience = args.patience.map(|span| span.get());
            let teardown = patience.into_iter().fold(teardown, Teardown::patience);
            teardown
                .run(&mut tell_event)
                .map(|report| show_removal(&args.of, &report))
        }),
    };
    done.unwrap_or_else(|e| Ok(unknown(&e)))
}

/// Apps that have a lock file may have secrets and no service yet; one whose name begins with this stack's keeps its own. Without
/// such a directory there is nobody to ask.
fn others(places: &Places) -> Vec<StackName> {
    let env = Environment::of_this_process();
    let locks = directories(places, &ConfigFile::default(), &env)
        .ok()
        .filter(|directories| directories.locks.is_dir())
        .and_then(|directories| LockDir::open(directories.locks).ok()?.list().ok());
    let names = locks
        .into_iter()
        .flatten()
        .map(|lock| lock.name().to_string());
    let stacks = |name: String| [Naming::Plain, Naming::Domain].map(|by| by.stack(&name).ok());
    names.flat_map(stacks).flatten().collect()
}

fn unknown(error: &SwarmError) -> u8 {
    terminal::say(error);
    code::UNKNOWN
}

/// A line for each service whose words have changed.
fn tell_progress(now: &Convergence, said: &mut Vec<String>) -> ControlFlow<()> {
    let lines: Vec<String> = now.services().iter().map(ToString::to_string).collect();
    let new = lines.iter().filter(|line| !said.contains(line));
    new.for_each(|line| terminal::say(printable(line)));
    *said = lines;
    ControlFlow::Continue(())
}

fn tell_event(event: &Event<'_>) -> ControlFlow<()> {
    if matches!(event, Event::Removed(_) | Event::Waiting(_)) {
        terminal::say(printable(&event.to_string()));
    }
    ControlFlow::Continue(())
}

fn word(state: State) -> &'static str {
    match state {
        State::Settled => "settled",
        State::Failed => "failed",
        _ => "in-flight",
    }
}

fn show_wait(args: &StackArgs, settled: &Convergence) -> Result<u8> {
    let state = settled.state();
    if args.json {
        let service = |of: &runward_swarm::Progress| Service {
            name: of.service().to_owned(),
            state: word(of.state()),
            text: of.to_string(),
        };
        print_json(&Waited {
            schema: 1,
            stack: args.stack.clone(),
            state: word(state),
            services: settled.services().iter().map(service).collect(),
        })?;
    } else {
        print(format!("{}: {}\n", printable(&args.stack), word(state)).as_bytes())?;
    }
    Ok(match state {
        State::Settled => code::DONE,
        State::Failed => code::FAILED,
        _ => code::UNFINISHED,
    })
}

fn show_removal(args: &StackArgs, report: &Report) -> Result<u8> {
    if args.json {
        print_json(&Removed {
            schema: 1,
            stack: args.stack.clone(),
            clean: report.is_clean(),
            removed: report.removed().iter().map(ToString::to_string).collect(),
            left: report.left().to_vec(),
            notes: report.notes().map(str::to_owned).collect(),
        })?;
    } else {
        print(printable(&format!("{}: {report}", args.stack)).as_bytes())?;
        print(b"\n")?;
    }
    Ok(if report.is_clean() {
        code::DONE
    } else {
        code::FAILED
    })
}
