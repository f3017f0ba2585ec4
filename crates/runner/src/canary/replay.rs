//! `replay`: today's rules on what was read before, and what another rule file would say of it.
use std::path::{Path, PathBuf};

use runward_canary::engine::{Difference, Report, Verdict, diff, replay};
use runward_canary::render::Series;
use runward_canary::{Options, Rules, Snapshot};
use serde_json::json;

use super::args::ReplayArgs;
use super::setup::Setup;
use super::{ledger, wrong};
use crate::commands::{print, print_json};
use crate::error::{Error, Result};
use crate::terminal::printable;

pub(super) fn main(args: &ReplayArgs) -> Result<u8> {
    let snapshots = snapshots(args)?;
    let reports = judged(&args.config, &snapshots)?;
    match &args.against {
        Some(other) => {
            let others = judged(other, &snapshots)?;
            differences(args.json, &diff(reports, others).collect::<Vec<_>>())
        }
        None => told(args.json, &reports),
    }
}

/// Those that were named, or else those that the ledger keeps.
fn snapshots(args: &ReplayArgs) -> Result<Vec<Snapshot>> {
    let named = |path: &PathBuf| Ok((path.display().to_string(), ledger::read(path)?));
    let texts: Vec<(String, String)> = match args.snapshots.is_empty() {
        false => args.snapshots.iter().map(named).collect::<Result<_>>()?,
        true => kept(args)?,
    };
    let snapshot = |(name, text): (String, String)| {
        Snapshot::from_json(&text).map_err(|e| wrong(format!("{name}: {e}")))
    };
    texts.into_iter().map(snapshot).collect()
}

fn kept(args: &ReplayArgs) -> Result<Vec<(String, String)>> {
    let place = Setup::load(&args.config)?.ledger()?;
    let kept = place.snapshots()?;
    match kept.is_empty() {
        true => Err(Error::usage(format!(
            "{place} keeps no snapshots: name files, or set `[retention] snapshots` and let some cycles pass"
        ))),
        false => Ok(kept),
    }
}

fn judged(config: &Path, snapshots: &[Snapshot]) -> Result<Vec<Report>> {
    let rules = Rules::load(config).map_err(wrong)?;
    let mut options = Options::default();
    options.stale_after = rules.policy().stale_after;
    options.interval = Some(rules.policy().interval);
    options.watched = false;
    Ok(replay(rules.invariants(), &options, snapshots.to_vec()).collect())
}

fn told(as_json: bool, reports: &[Report]) -> Result<u8> {
    if as_json {
        print_json(&json!({ "schema": 1, "reports": reports }))?;
    } else {
        let text: String = reports.iter().map(lines).collect();
        print(format!("{}{text}", headline(reports)).as_bytes())?;
    }
    Ok(Series::new(reports).level().code())
}

/// All of it in one line: how many snapshots, and in how many of them something was found or could not be judged.
fn headline(reports: &[Report]) -> String {
    let series = Series::new(reports);
    let level = series.level().name().to_uppercase();
    let any = |holds: &dyn Fn(&Verdict) -> bool| {
        let has = |report: &&Report| report.verdicts.values().any(holds);
        reports.iter().filter(has).count()
    };
    let red = any(&|verdict| !verdict.findings().is_empty());
    let dark = any(&|verdict| verdict.cause().is_some());
    let all = reports.len();
    let empty = match series.is_empty() {
        true => ", nothing was examined",
        false => "",
    };
    format!(
        "replay: {level}: snapshots: {all}, with something red: {red}, with something not judged: {dark}{empty}\n"
    )
}

fn lines(report: &Report) -> String {
    let mut out = format!("{}\n", report.taken);
    for (id, verdict) in &report.verdicts {
        for finding in verdict.findings() {
            let line = format!("{id} {} {}", finding.kind, finding.subject);
            out += &format!("  red {}\n", printable(&line));
        }
        if let Some(cause) = verdict.cause() {
            out += &format!("  not judged {id}: {}\n", printable(&cause.to_string()));
        }
    }
    out
}

fn differences(as_json: bool, found: &[Difference]) -> Result<u8> {
    if as_json {
        print_json(&json!({ "schema": 1, "differences": found }))?;
    } else if found.is_empty() {
        print(b"no difference\n")?;
    } else {
        let text: String = found.iter().map(difference).collect();
        print(text.as_bytes())?;
    }
    Ok(u8::from(!found.is_empty()))
}

fn difference(one: &Difference) -> String {
    let mut out = format!("{}\n", one.taken);
    for (mark, keys) in [("+", &one.appeared), ("-", &one.vanished)] {
        for (id, kind, subject) in keys {
            out += &format!(
                "  {mark} {}\n",
                printable(&format!("{id} {kind} {subject}"))
            );
        }
    }
    for (words, ids) in [("cannot judge", &one.unjudged), ("can judge", &one.judged)] {
        for id in ids {
            out += &format!("  {words} {}\n", printable(id));
        }
    }
    out
}
