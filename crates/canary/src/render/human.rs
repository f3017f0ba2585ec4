use std::fmt::Write;

use super::Status;
use super::notes::notes;
use super::overall::{Overall, overall};
use super::standing::{Row, rows};
use crate::alert::said;
use crate::fact::bounded;
use crate::plural::plural;
use crate::{Red, Stamp};

/// Of how many subjects of one invariant something is said.
const SUBJECTS: usize = 10;

pub(super) fn render(status: &Status<'_>) -> String {
    let rows = rows(status);
    let overall = overall(status, &rows);
    let mut out = headline(status, &overall, &rows);
    for reason in &overall.reasons {
        line(&mut out, &format!("warning: {}", reason.long));
    }
    table(&mut out, &rows);
    for row in &rows {
        row_in_words(&mut out, status, row);
    }
    let notes = notes(status, &rows);
    if !notes.is_empty() {
        line(&mut out, "");
    }
    for note in notes {
        line(&mut out, &format!("note: {note}"));
    }
    out
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

/// All that matters in one line, which is all that some monitoring systems show; what stands behind a `|` they take for figures.
fn headline(status: &Status<'_>, overall: &Overall, rows: &[Row<'_>]) -> String {
    let title = match bounded(status.title, 60) {
        title if title.is_empty() => title,
        title => format!(" {title}"),
    };
    let level = overall.level.name().to_uppercase();
    let summary = overall.summary(status, rows);
    let taken = super::time(status.report.taken);
    let line = format!("canary{title}: {level}: {summary}; taken {taken}\n");
    line.replace('|', "/")
}

fn table(out: &mut String, rows: &[Row<'_>]) {
    let loud: Vec<_> = rows.iter().filter(|row| row.is_loud()).collect();
    let lengths = loud.iter().map(|row| id(row).chars().count());
    let width = lengths.max().unwrap_or(0);
    let (earlier, now): (Vec<_>, Vec<_>) = loud.into_iter().partition(|row| row.earlier);
    let others = match earlier.is_empty() {
        true => None,
        false => Some("not judged in this cycle, and as they were in one before:"),
    };
    for (head, rows) in [(None, now), (others, earlier)] {
        if !rows.is_empty() {
            line(out, head.unwrap_or(""));
        }
        for row in rows {
            line(out, &row_of_table(row, width));
        }
    }
    let fine = rows.iter().filter(|row| !row.is_loud()).count();
    if fine > 0 {
        let fine = plural(fine as u64, "check");
        let _ = writeln!(out, "\n{fine} of the harness itself: nothing wrong");
    }
}

fn row_of_table(row: &Row<'_>, width: usize) -> String {
    let examined = row
        .examined
        .map_or("-".to_owned(), |count| count.to_string());
    let (stand, severity) = (row.stand.name(), row.severity().name());
    let (id, title) = (id(row), bounded(&row.meta.title, 100));
    format!("{stand:<9} {id:<width$}  {severity:<8} {examined:>8}  {title}")
}

fn id(row: &Row<'_>) -> String {
    bounded(&row.meta.id, 80)
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
