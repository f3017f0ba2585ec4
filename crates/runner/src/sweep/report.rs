//! What a sweep says: every object with its reason, as lines or as JSON.
use std::fmt::Write;

use runward_janitor::{Outcome, Report, Verdict};
use serde::Serialize;
use serde_json::Value;

use super::Part;
use crate::cli::SweepArgs;
use crate::commands::{print, print_json};
use crate::error::Result;
use crate::terminal::{self, printable};

/// What `sweep --json` shows. Fields may be added; none is removed or renamed within schema 1.
#[derive(Serialize)]
struct Shown {
    schema: u32,
    dry_run: bool,
    clean: bool,
    parts: Vec<ShownPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct ShownPart {
    part: &'static str,
    plan: Value,
    report: Option<Value>,
}

pub(super) fn show(parts: &[Part], json: bool) -> Result<()> {
    if json {
        return print_json(&Shown {
            schema: 1,
            dry_run: parts.iter().all(|part| part.report.is_none()),
            clean: parts.iter().all(Part::is_clean),
            parts: parts.iter().map(shown).collect(),
            error: None,
        });
    }
    print(parts.iter().map(text).collect::<String>().as_bytes())?;
    terminal::say(total(parts));
    Ok(())
}

/// Nothing was reaped.
pub(super) fn failed(error: &runward_janitor::Error, args: &SweepArgs) -> Result<()> {
    terminal::say(error);
    if !args.report.json {
        return Ok(());
    }
    print_json(&Shown {
        schema: 1,
        dry_run: args.dry_run,
        clean: false,
        parts: Vec::new(),
        error: Some(error.to_string()),
    })
}

/// What was done, what is left, and what somebody should know; not what was kept for good reason.
pub(super) fn brief(parts: &[Part]) -> String {
    let reports = || parts.iter().filter_map(|part| part.report.as_ref());
    let items = reports()
        .flat_map(|report| report.items())
        .map(ToString::to_string);
    let trouble = reports().flat_map(|report| report.trouble()).cloned();
    let warnings = parts.iter().flat_map(|part| part.plan.warnings());
    let lines = items
        .chain(trouble)
        .chain(warnings.map(|warning| format!("warning: {warning}")));
    lines.for_each(|line| terminal::say(printable(&line)));
    total(parts)
}

fn shown(part: &Part) -> ShownPart {
    let value = |text: String| serde_json::from_str(&text).unwrap_or_default();
    ShownPart {
        part: part.name,
        plan: value(part.plan.to_json()),
        report: part.report.as_ref().map(|report| value(report.to_json())),
    }
}

/// A rehearsal shows the plan; an execution what was kept by it, and what became of the rest.
fn text(part: &Part) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", printable(&text));
    };
    let rehearsal = part.report.is_none();
    for row in part.plan.rows() {
        if rehearsal || row.verdict() == Verdict::Keep {
            line(row.to_string());
        }
    }
    if let Some(report) = &part.report {
        report
            .items()
            .iter()
            .for_each(|item| line(item.to_string()));
        report
            .trouble()
            .iter()
            .for_each(|what| line(format!("trouble: {what}")));
    }
    part.plan
        .warnings()
        .iter()
        .for_each(|warning| line(format!("warning: {warning}")));
    out
}

fn total(parts: &[Part]) -> String {
    let rows = || parts.iter().flat_map(|part| part.plan.rows());
    let orphans = rows().filter(|row| row.verdict() == Verdict::Reap).count();
    let items = || {
        parts
            .iter()
            .filter_map(|part| part.report.as_ref())
            .flat_map(Report::items)
    };
    let ended =
        |wanted: fn(&Outcome) -> bool| items().filter(|item| wanted(item.outcome())).count();
    let gone = ended(|outcome| matches!(outcome, Outcome::Reaped | Outcome::Gone));
    let left = ended(|outcome| matches!(outcome, Outcome::Left(_)));
    let kept = rows().count() - orphans + ended(|outcome| matches!(outcome, Outcome::Kept(_)));
    match parts.iter().all(|part| part.report.is_none()) {
        true => format!("dry run: {orphans} to reap, {kept} kept"),
        false => format!("swept: {gone} gone, {kept} kept, {left} left"),
    }
}
