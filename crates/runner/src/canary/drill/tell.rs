//! What is said of all drills: a table for people, JSON for programs.
use std::fmt::Write;

use nix::sys::signal::Signal;
use runward_canary::rules::Drill;
use serde_json::{Value, json};

use super::super::args::DrillArgs;
use super::bundle::{About, Sealed};
use super::choose;
use super::journal::Journal;
use super::outcome::Outcome;
use crate::commands::{print, print_json};
use crate::error::Result;
use crate::terminal::{printable, say};

/// `--list`: what could be drilled, what could not, and what is owed.
pub(super) fn list(
    args: &DrillArgs,
    drills: &[&Drill],
    missing: &[String],
    journal: &Journal,
) -> Result<()> {
    let owed = journal.owed();
    if args.json {
        let drills: Vec<Value> = drills.iter().map(|drill| described(drill)).collect();
        let owed =
            owed.map(|it| json!({"drill": it.drill, "since": it.since, "revert": it.revert}));
        return print_json(
            &json!({"schema": 1, "drills": drills, "missing": missing, "owed": owed}),
        );
    }
    let mut out = String::new();
    for drill in drills {
        let what = choose::kind(&drill.invariant, &drill.kind);
        let _ = writeln!(out, "{}  {what}  {}", drill.name, printable(&drill.subject));
    }
    for kind in missing {
        let _ = writeln!(out, "no drill for {kind}");
    }
    if let Some(owed) = owed {
        let revert = printable(&owed.revert.join(" "));
        let _ = writeln!(
            out,
            "owed since {}: the revert of {}: {revert}",
            owed.since, owed.drill
        );
    }
    print(out.as_bytes())
}

fn described(drill: &Drill) -> Value {
    json!({
        "drill": drill.name, "invariant": drill.invariant, "kind": drill.kind, "subject": drill.subject,
        "provoke": drill.provoke, "revert": drill.revert, "within_cycles": drill.within_cycles,
    })
}

/// What came of them.
pub(super) fn results(
    args: &DrillArgs,
    outcomes: &[Outcome],
    missing: &[String],
    about: &About<'_>,
    sealed: Option<&Sealed>,
) -> Result<()> {
    for kind in missing {
        say(printable(&format!("no drill for {kind}")));
    }
    if let Some(sealed) = sealed {
        say(printable(&evidence(sealed)));
    }
    if args.json {
        let ended_by = about.ended_by.map(Signal::as_str);
        let report = json!({"schema": 1, "drills": outcomes, "missing": missing, "ended_by": ended_by, "evidence": sealed});
        return print_json(&report);
    }
    print(outcomes.iter().map(line).collect::<String>().as_bytes())
}

fn evidence(sealed: &Sealed) -> String {
    let why = sealed
        .why
        .as_deref()
        .map_or_else(String::new, |why| format!(": {why}"));
    match &sealed.dir {
        Some(dir) => format!("the bundle {} is {}{why}", dir.display(), sealed.verdict),
        None => format!("there is no bundle{why}"),
    }
}

fn line(one: &Outcome) -> String {
    let result = if one.passed { "passed" } else { "FAILED" };
    let cycles = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
    let (red, green) = (cycles(one.red_after_cycles), cycles(one.green_after_cycles));
    let text = format!(
        "{result}  {}  {}  red after {red}, green after {green}  {}",
        one.drill,
        one.key(),
        one.why
    );
    format!("{}\n", printable(text.trim_end()))
}
