//! What is worth a word and makes nothing red, for people on a terminal and in a browser.

use std::collections::BTreeMap;

use super::Status;
use super::standing::{Row, Stand};
use crate::alert::length;
use crate::fact::bounded;
use crate::plural::plural;
use crate::{CauseKind, Change, Key, Unread};

/// How many of one sort are named.
const NAMED: usize = 10;

/// Each a line without an end, bounded and not yet escaped.
pub(super) fn notes(status: &Status<'_>, rows: &[Row<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    changed(&mut notes, status);
    let off = status.off.iter();
    notes.extend(off.map(|(id, why)| format!("{} is off: {}", bounded(id, 80), bounded(why, 300))));
    empty(&mut notes, rows);
    for (source, answered) in status.sources {
        unread(&mut notes, status, source, *answered);
    }
    waiting(&mut notes, status);
    notes
}

/// Other rules than before, and what was red and went with the old ones.
fn changed(notes: &mut Vec<String>, status: &Status<'_>) {
    let changes = &status.report.transitions;
    let is_noted = |change: &Change| matches!(change, Change::Noted { .. });
    if changes.iter().any(|it| is_noted(&it.change)) {
        notes.push("the rules are not those of the cycle before: compare both over stored snapshots before you trust what has become green".to_owned());
    }
    let dropped = changes.iter().filter_map(|it| match &it.change {
        Change::Dropped { key, held_for_secs } => Some((&it.invariant, key, *held_for_secs)),
        _ => None,
    });
    for (id, key, secs) in dropped.clone().take(NAMED) {
        notes.push(gone(id, key, secs));
    }
    let more = dropped.count().saturating_sub(NAMED);
    if more > 0 {
        notes.push(format!(
            "and {more} more were red and are not known to the rules any more"
        ));
    }
}

fn gone(id: &str, key: &Key, secs: u64) -> String {
    let held = length(i64::try_from(secs).unwrap_or(i64::MAX));
    let (id, kind, subject) = (
        bounded(id, 80),
        bounded(&key.kind, 80),
        bounded(&key.subject, 160),
    );
    let severity = key.severity.name();
    format!(
        "{id} {subject} ({kind}, {severity}) was red for {held}, and the rules do not know it any more: nobody has seen it well"
    )
}

/// What had nothing to look at, of the rules' own.
fn empty(notes: &mut Vec<String>, rows: &[Row<'_>]) {
    for row in rows.iter().filter(|row| !row.is_own() && !row.earlier) {
        let id = bounded(&row.meta.id, 80);
        let untried: Vec<_> = row.untried().map(|kind| bounded(kind, 80)).collect();
        if row.stand == Stand::Vacuous {
            let cycles = plural(row.vacuous_cycles, "cycle");
            notes.push(format!(
                "{id} is vacuous: it had nothing to look at, for {cycles} now"
            ));
        } else if !untried.is_empty() {
            let kinds = untried.join(", ");
            notes.push(format!("{id} had nothing to look at for: {kinds}"));
        }
    }
}

/// What could not be read of one source: facets that failed in the same way are one line.
fn unread(notes: &mut Vec<String>, status: &Status<'_>, source: &str, answered: Option<bool>) {
    let name = bounded(source, 80);
    let whole = |it: &&Unread| it.subject.is_none() && it.source.as_deref() == Some(source);
    let unread = status.report.unread.iter().filter(whole);
    let is_asked = |it: &&Unread| it.cause.kind() != CauseKind::NotRun;
    let mut failed: BTreeMap<(bool, String), Vec<String>> = BTreeMap::new();
    for it in unread.clone().filter(is_asked) {
        let why = bounded(&it.cause.to_string(), 300);
        let facets = failed.entry((it.again, why)).or_default();
        facets.push(bounded(&it.facet, 80));
    }
    let how = match answered {
        Some(true) => "answered, but not for",
        Some(false) => "did not answer for",
        None => {
            let mut why = unread.map(|it| bounded(it.cause.detail(), 300));
            let why = why.next().map_or(String::new(), |why| format!(": {why}"));
            notes.push(format!("the source {name} was not asked{why}"));
            return;
        }
    };
    if failed.is_empty() && answered == Some(false) {
        notes.push(format!("the source {name} did not answer"));
    }
    for ((again, why), facets) in failed {
        let more = if facets.len() > NAMED { ", …" } else { "" };
        let facets = facets[..facets.len().min(NAMED)].join(", ");
        let look = if again { " in the second look" } else { "" };
        notes.push(format!(
            "the source {name} {how} {facets}{more}{look}: {why}"
        ));
    }
}

/// Deliveries that failed once; those that fail again and again make the level.
fn waiting(notes: &mut Vec<String>, status: &Status<'_>) {
    let unheard = status.outbox.unheard();
    let entries = status.outbox.entries().iter();
    let is_said = |sink: &str| unheard.iter().any(|it| it.sink == sink);
    let mut late = entries.filter(|entry| !is_said(&entry.sink));
    let count = late.clone().count();
    let Some((entry, why)) = late.find_map(|it| Some((it, it.last_error.as_ref()?))) else {
        return;
    };
    let alerts = match count {
        1 => "1 alert has".to_owned(),
        count => format!("{count} alerts have"),
    };
    let sink = bounded(&entry.sink, 80);
    notes.push(format!("{alerts} not arrived; {sink}: {why}"));
}
