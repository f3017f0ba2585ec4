//! `drill`: breaks something on purpose, and shows that exactly that turns red, and green again when it is mended.
mod bundle;
mod choose;
mod command;
mod journal;
pub(super) mod launch;
mod outcome;
mod rehearse;
mod rows;
mod signals;
mod stage;
mod tell;
mod why;

use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use runward_canary::rules::Drill;
use runward_lock::{Guard, LockDir, Name, Request, Wait, quiet};

use super::args::DrillArgs;
use super::setup::Setup;
use super::wrong;
use crate::error::{Error, Kind, Result};
use crate::places::make_private;
use bundle::{About, Draft, Sealed};
use journal::Journal;
use outcome::Outcome;
use rehearse::{Hands, rehearse};
use signals::Signals;
use stage::Stage;

const FAILED: u8 = 2;

pub(super) fn main(args: &DrillArgs) -> Result<u8> {
    let setup = Setup::judging(&args.config)?;
    setup.owner().check(&setup.ledger()?)?;
    let missing = match args.all || args.list {
        true => choose::missing(&setup.rules),
        false => Vec::new(),
    };
    if args.list {
        let drills = choose::chosen(args, &setup.rules)?;
        let journal = Journal::open(&setup.folder()?)?;
        tell::list(args, &drills, &missing, &journal)?;
        return Ok(0);
    }
    let drills = match args.mend {
        true => Vec::new(),
        false => choose::chosen(args, &setup.rules)?,
    };
    // Opened anew for each drill; what cannot be opened at all is told before anything is broken.
    let _ = setup.collector()?;
    let place = args.evidence.as_deref().map(bundle::place).transpose()?;
    let folder = setup.folder()?;
    make_private(&folder, "[ledger] directory")?;
    let guard = lock(&folder)?;
    let done = drill_all(args, &setup, &drills, &missing, place, &folder);
    guard.close().map_err(wrong)?;
    done
}

/// Two drills at once would see each other's faults.
fn lock(folder: &Path) -> Result<Guard> {
    let name = Name::new("drill").map_err(wrong)?;
    let request = Request::new().what("canary drill").wait(Wait::Never);
    let taken = LockDir::open(folder).and_then(|locks| locks.acquire(&name, &request, &mut quiet));
    taken.map_err(|e| match e.is_busy() {
        true => Error::new(Kind::System, format!("another drill is running: {e}")),
        false => wrong(e),
    })
}

fn drill_all(
    args: &DrillArgs,
    setup: &Setup,
    drills: &[&Drill],
    missing: &[String],
    place: Option<(PathBuf, PathBuf)>,
    folder: &Path,
) -> Result<u8> {
    let mut signals = Signals::block()?;
    let mut journal = Journal::open(folder)?;
    journal.settle(&mut signals)?;
    if args.mend {
        return Ok(signals.first().map_or(0, code_of));
    }
    let mut draft = match place {
        None => None,
        Some((folder, dir)) => {
            journal.draft(Some(&folder))?;
            Some(Draft::begin(folder, dir)?)
        }
    };
    let folder = std::env::current_dir().map_err(wrong)?;
    let mut hands = Hands {
        folder: &folder,
        journal: &mut journal,
        signals: &mut signals,
        draft: draft.as_mut(),
    };
    let outcomes = each(setup, drills, &mut hands);
    let about = About {
        setup,
        drills,
        all: args.all,
        ended_by: signals.first(),
    };
    let sealed = draft.map(|draft| draft.finish(&about, &outcomes));
    let written = journal.draft(None);
    tell::results(args, &outcomes, missing, &about, sealed.as_ref())?;
    written?;
    Ok(code(about.ended_by, &outcomes, missing, sealed.as_ref()))
}

/// One after the other; none on what the one before could not mend, and none after a signal.
fn each(setup: &Setup, drills: &[&Drill], hands: &mut Hands<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for drill in drills {
        let signal = hands.signals.first();
        if signal.is_some() || hands.journal.owed().is_some() {
            outcomes.push(Outcome::not_run(drill, signal));
            continue;
        }
        outcomes.push(match Stage::open(setup) {
            Ok(stage) => rehearse(drill, stage, hands),
            Err(e) => Outcome::new(drill).came_to(Err(why::Why::System(e.to_string()))),
        });
    }
    outcomes
}

fn code(
    ended_by: Option<Signal>,
    outcomes: &[Outcome],
    missing: &[String],
    sealed: Option<&Sealed>,
) -> u8 {
    let passed = missing.is_empty() && outcomes.iter().all(|one| one.passed);
    match ended_by {
        Some(signal) => code_of(signal),
        None if !passed => FAILED,
        None if sealed.is_some_and(|sealed| !sealed.is_proven()) => super::UNKNOWN,
        None => 0,
    }
}

/// As a shell has it.
fn code_of(signal: Signal) -> u8 {
    u8::try_from(128 + signal as i32).unwrap_or(super::UNKNOWN)
}
