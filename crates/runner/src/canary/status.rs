//! `status`: where things stand, from the ledger alone. Nobody is asked, and nothing is written.
use std::collections::BTreeMap;

use runward_canary::render::{Level, Status};
use runward_canary::{Severity, Stamp, State};
use serde_json::json;

use super::args::StatusArgs;
use super::clock;
use super::cycle::{shown, stale_after, warning};
use super::last::Last;
use super::setup::Setup;
use crate::commands::{print, print_json};
use crate::error::Result;
use crate::terminal::printable;

pub(super) fn main(args: &StatusArgs) -> Result<u8> {
    let setup = Setup::load(&args.config)?;
    let place = setup.ledger()?;
    if let Some(why) = place.denied() {
        return unknown(args, &why);
    }
    setup.owner().check(&place)?;
    let Some(past) = place.look()? else {
        return never(
            args,
            &format!(
                "there is no ledger {place}; another user has another one, if [ledger] names none"
            ),
        );
    };
    let Some(last) = past.last else {
        return bare(args, &past.saved.state);
    };
    let after = stale_after(&last, setup.rules.policy().interval);
    let stale = stale(&last, after, clock::now());
    let behind = last.report.sequence < past.saved.state.sequence();
    let behind =
        behind.then(|| "the last cycle was ended before it could say what it judged".to_owned());
    let forgotten = warning(&past.origin);
    let warnings = [setup.idle(), stale, behind, forgotten, last.warning.clone()];
    let warning: Vec<String> = warnings.into_iter().flatten().collect();
    let warning = warning.join("; ");
    let status = Status {
        title: setup.rules.title(),
        only: last.only.as_ref(),
        unwritten: &last.unwritten,
        report: &last.report,
        state: &past.saved.state,
        outbox: &past.saved.outbox,
        sources: &last.sources,
        off: &setup.off(),
        ended: last.ended,
        stale_after: Some(after),
        warning: (!warning.is_empty()).then_some(&*warning),
    };
    let text = match args.json {
        true => status.json(),
        false => status.human(),
    };
    shown(status.level(), &text)
}

/// Why nobody may rely on it any more, if so.
fn stale(last: &Last, after: Stamp, now: Stamp) -> Option<String> {
    let ended = last.ended;
    if last.is_ahead(now) {
        return Some(format!(
            "stale: the last cycle ended at {ended}, which is yet to come: the clock was set back"
        ));
    }
    (now > after).then(|| format!("stale: no cycle of all invariants has ended since {ended}"))
}

fn never(args: &StatusArgs, why: &str) -> Result<u8> {
    unknown(args, &format!("never run: {why}"))
}

fn unknown(args: &StatusArgs, why: &str) -> Result<u8> {
    let level = Level::Unknown;
    match args.json {
        true => print_json(&json!({ "schema": 1, "level": level.name(), "warning": why }))?,
        false => print(format!("{}: {}\n", level.name(), printable(why)).as_bytes())?,
    }
    Ok(level.code())
}

/// A state without the words of its last cycle: what is red is known, and all else is not.
fn bare(args: &StatusArgs, state: &State) -> Result<u8> {
    let mut red: BTreeMap<String, Severity> = BTreeMap::new();
    for (id, standing) in state.invariants() {
        for (kind, subject, key) in standing.red() {
            red.insert(
                format!("{id} {kind} {subject} since {}", key.since),
                key.severity,
            );
        }
    }
    if state.sequence() == 0 && red.is_empty() {
        return never(args, "the ledger is empty");
    }
    let critical = red.values().any(|severity| *severity == Severity::Critical);
    let level = if critical {
        Level::Critical
    } else {
        Level::Unknown
    };
    let why = "what the last cycle said cannot be read";
    match args.json {
        true => print_json(
            &json!({ "schema": 1, "level": level.name(), "warning": why, "red": red.keys().collect::<Vec<_>>() }),
        )?,
        false => {
            let lines: String = red
                .keys()
                .map(|key| format!("red: {}\n", printable(key)))
                .collect();
            print(format!("{}: {why}\n{lines}", level.name()).as_bytes())?;
        }
    }
    Ok(level.code())
}
