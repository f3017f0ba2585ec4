use std::fmt::Write;

use super::Status;
use super::standing::{Row, Stand, count, is_idle, rows};
use crate::alert::said;
use crate::fact::bounded;
use crate::plural::plural;
use crate::{Red, Stamp};

/// Of how many subjects of one invariant something is said.
const SUBJECTS: usize = 10;

pub(super) fn render(status: &Status<'_>) -> String {
    let rows = rows(status);
    let mut out = headline(status, &rows);
    if let Some(warning) = status.warning {
        line(&mut out, &format!("warning: {}", bounded(warning, 500)));
    }
    table(&mut out, &rows);
    for row in &rows {
        row_in_words(&mut out, status, row);
    }
    notes(&mut out, status, &rows);
    out
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn headline(status: &Status<'_>, rows: &[Row<'_>]) -> String {
    let level = status.level().name().to_uppercase();
    let counts: Vec<_> = Stand::ALL
        .into_iter()
        .map(|stand| (count(rows, stand), stand.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let counts = match counts.is_empty() {
        true => "no invariants".to_owned(),
        false => counts.join(", "),
    };
    format!(
        "canary {level}: {counts}; taken {}\n",
        super::time(status.report.taken)
    )
}

fn table(out: &mut String, rows: &[Row<'_>]) {
    if rows.is_empty() {
        return;
    }
    let id = |row: &Row<'_>| bounded(&row.meta.id, 80);
    let width = rows
        .iter()
        .map(|row| id(row).chars().count())
        .max()
        .unwrap_or(0);
    line(out, "");
    for row in rows {
        let examined = row
            .examined
            .map_or("-".to_owned(), |count| count.to_string());
        let (stand, severity) = (row.stand.name(), row.severity().name());
        let title = bounded(&row.meta.title, 100);
        let _ = writeln!(
            out,
            "{stand:<9} {:<width$}  {severity:<8} {examined:>8}  {title}",
            id(row)
        );
    }
}

fn row_in_words(out: &mut String, status: &Status<'_>, row: &Row<'_>) {
    if row.red.is_empty() && row.cause().is_none() {
        return;
    }
    line(out, "");
    let _ = writeln!(
        out,
        "{}: {}",
        bounded(&row.meta.id, 80),
        bounded(&row.meta.title, 100)
    );
    for (kind, subject, red) in row.red.iter().take(SUBJECTS) {
        line(
            out,
            &format!("  {}", one(status.report.taken, row, kind, subject, red)),
        );
    }
    if row.red.len() > SUBJECTS {
        let _ = writeln!(out, "  and {} more", row.red.len() - SUBJECTS);
    }
    unjudged(out, row);
    if !row.red.is_empty() {
        let _ = writeln!(out, "  look first: {}", bounded(&row.meta.runbook, 500));
    }
}

fn one(now: Stamp, row: &Row<'_>, kind: &str, subject: &str, red: &Red) -> String {
    let text = said(row.meta, kind, subject, red);
    let held = super::age(now, red.since);
    let (subject, kind) = (bounded(subject, 160), bounded(kind, 80));
    let severity = red.severity.name();
    format!("{subject} ({kind}, {severity}, red for {held}): {text}")
}

fn unjudged(out: &mut String, row: &Row<'_>) {
    if let Some(cause) = row.verdict.cause() {
        let cycles = plural(row.unjudged_cycles, "cycle");
        let _ = writeln!(out, "  not judged, for {cycles} now: {cause}");
    }
    for (subject, cause) in row.verdict.blind.iter().take(SUBJECTS) {
        let _ = writeln!(out, "  {} is not judged: {cause}", bounded(subject, 160));
    }
    if row.verdict.blind.len() > SUBJECTS {
        let more = row.verdict.blind.len() - SUBJECTS;
        let are = if more == 1 { "is" } else { "are" };
        let _ = writeln!(out, "  and {more} more {are} not judged");
    }
}

fn notes(out: &mut String, status: &Status<'_>, rows: &[Row<'_>]) {
    let mut notes = Vec::new();
    if is_idle(rows) {
        notes.push("nothing is watched: the rules have no invariant that is on".to_owned());
    }
    for (id, why) in status.off {
        notes.push(format!("{} is off: {}", bounded(id, 80), bounded(why, 300)));
    }
    for row in rows.iter().filter(|row| row.stand == Stand::Vacuous) {
        let (id, cycles) = (
            bounded(&row.meta.id, 80),
            plural(row.vacuous_cycles, "cycle"),
        );
        notes.push(format!(
            "{id} is vacuous: it had nothing to look at, for {cycles} now"
        ));
    }
    for row in rows {
        let untried: Vec<_> = row.untried().map(|kind| bounded(kind, 80)).collect();
        if !untried.is_empty() && row.stand != Stand::Vacuous {
            let id = bounded(&row.meta.id, 80);
            notes.push(format!(
                "{id} had nothing to look at for: {}",
                untried.join(", ")
            ));
        }
    }
    for (source, _) in status.sources.iter().filter(|(_, up)| !**up) {
        notes.push(format!("the source {} did not answer", bounded(source, 80)));
    }
    let waiting = status.outbox.entries();
    if let Some(entry) = waiting.iter().find(|entry| entry.last_error.is_some()) {
        let why = entry
            .last_error
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let sink = bounded(&entry.sink, 80);
        let alerts = match waiting.len() {
            1 => "1 alert has".to_owned(),
            count => format!("{count} alerts have"),
        };
        notes.push(format!("{alerts} not arrived; {sink}: {why}"));
    }
    if !notes.is_empty() {
        line(out, "");
    }
    for note in notes {
        let _ = writeln!(out, "note: {note}");
    }
}
