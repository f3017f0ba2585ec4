use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::overall::overall;
use super::standing::{Row, rows};
use super::{Status, Unwritten};
use crate::alert::{Counters, Entry};
use crate::schema::Schema;
use crate::{Cause, Facts, Red, Severity, Stamp, Tier, Transition, Unread};

/// Of how many deliveries it is said why they failed.
const WAITING: usize = 20;

#[derive(Serialize)]
struct Document<'a> {
    schema: Schema,
    title: &'a str,
    level: &'static str,
    /// What makes the level beside the invariants.
    reasons: Vec<String>,
    taken: Stamp,
    ended: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_after: Option<Stamp>,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'a str>,
    unwritten: &'a [Unwritten],
    invariants: Vec<Invariant<'a>>,
    off: &'a BTreeMap<String, String>,
    transitions: &'a [Transition],
    unread: &'a [Unread],
    sources: &'a BTreeMap<String, Option<bool>>,
    alerts: Alerts<'a>,
}

#[derive(Serialize)]
struct Invariant<'a> {
    id: &'a str,
    title: &'a str,
    tier: Tier,
    severity: Severity,
    state: &'static str,
    /// Whether that is of a cycle before, as this one left it out.
    earlier: bool,
    judged: bool,
    examined: Option<u64>,
    unjudged_cycles: u64,
    vacuous_cycles: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a Cause>,
    blind: &'a BTreeMap<String, Cause>,
    arms: &'a BTreeMap<String, u64>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    kind: &'a str,
    subject: &'a str,
    severity: Severity,
    since: Stamp,
    seen: Stamp,
    cycles: u64,
    elements: &'a BTreeSet<String>,
    facts: &'a Facts,
}

#[derive(Serialize)]
struct Alerts<'a> {
    pending: usize,
    /// What was tried and has not arrived.
    waiting: Vec<Waiting<'a>>,
    #[serde(flatten)]
    counters: Counters,
}

#[derive(Serialize)]
struct Waiting<'a> {
    id: &'a str,
    sink: &'a str,
    attempts: u32,
    error: &'a Cause,
}

pub(super) fn render(status: &Status<'_>) -> String {
    let rows = rows(status);
    let overall = overall(status, &rows);
    let reasons = overall.reasons.into_iter();
    let mut invariants: Vec<_> = rows.iter().map(invariant).collect();
    invariants.sort_by_key(|it| it.id);
    let document = Document {
        schema: Schema,
        title: status.title,
        level: overall.level.name(),
        reasons: reasons.map(|reason| reason.long).collect(),
        taken: status.report.taken,
        ended: status.ended,
        stale_after: status.stale_after,
        sequence: status.report.sequence,
        warning: status.warning,
        unwritten: status.unwritten,
        invariants,
        off: status.off,
        transitions: &status.report.transitions,
        unread: &status.report.unread,
        sources: status.sources,
        alerts: Alerts {
            pending: status.outbox.entries().len(),
            waiting: waiting(status),
            counters: status.outbox.counters(),
        },
    };
    // Maps with text for keys, numbers and text: there is nothing in it that could fail.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn waiting<'a>(status: &Status<'a>) -> Vec<Waiting<'a>> {
    let failed = |it: &'a Entry| {
        Some(Waiting {
            id: &it.alert.id,
            sink: &it.sink,
            attempts: it.attempts,
            error: it.last_error.as_ref()?,
        })
    };
    let entries = status.outbox.entries().iter();
    entries.filter_map(failed).take(WAITING).collect()
}

fn invariant<'a>(row: &Row<'a>) -> Invariant<'a> {
    Invariant {
        id: &row.meta.id,
        title: &row.meta.title,
        tier: row.meta.tier,
        severity: row.severity(),
        state: row.stand.name(),
        earlier: row.earlier,
        judged: row.verdict.is_judged(),
        examined: row.examined,
        unjudged_cycles: row.unjudged_cycles,
        vacuous_cycles: row.vacuous_cycles,
        cause: row.verdict.cause(),
        blind: &row.verdict.blind,
        arms: &row.verdict.arms,
        findings: row
            .red
            .iter()
            .map(|(kind, subject, red)| finding(kind, subject, red))
            .collect(),
    }
}

fn finding<'a>(kind: &'a str, subject: &'a str, red: &'a Red) -> Finding<'a> {
    Finding {
        kind,
        subject,
        severity: red.severity,
        since: red.since,
        seen: red.seen,
        cycles: red.cycles,
        elements: &red.elements,
        facts: &red.facts,
    }
}
