//! Where each invariant stands, for all the ways to show it.

use std::collections::BTreeSet;

use super::Status;
use crate::engine::is_own;
use crate::{Cause, Meta, Outcome, Red, Severity, Verdict};

/// How bad it is, all in all; from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everything was judged, something was examined, and all of it held.
    Ok,
    /// Something is red that is not critical, or alerts do not arrive.
    Warning,
    /// Something could not be judged, or nothing was there to be examined, or what was judged could not be shown.
    Unknown,
    /// Something critical is red, whatever else there is.
    Critical,
}

impl Level {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }

    /// The exit code that monitoring systems expect: 0, 1, 2, and 3 for unknown.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

/// Where one invariant stands. Red stays red, also while it cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stand {
    Red,
    Errored,
    Unjudged,
    Vacuous,
    Held,
    NotDue,
}

impl Stand {
    pub(super) const ALL: [Self; 6] = [
        Self::Red,
        Self::Errored,
        Self::Unjudged,
        Self::Vacuous,
        Self::Held,
        Self::NotDue,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Errored => "errored",
            Self::Unjudged => "unjudged",
            Self::Vacuous => "vacuous",
            Self::Held => "held",
            Self::NotDue => "not-due",
        }
    }
}

/// One invariant, as it is shown.
pub(super) struct Row<'a> {
    pub(super) meta: &'a Meta,
    pub(super) verdict: &'a Verdict,
    pub(super) stand: Stand,
    /// Kind, subject, and what is known of it; the worst first, then the oldest.
    pub(super) red: Vec<(&'a str, &'a str, &'a Red)>,
    pub(super) examined: Option<u64>,
    pub(super) unjudged_cycles: u64,
    pub(super) vacuous_cycles: u64,
    /// Whether it was judged in a cycle before this one, which left it out.
    pub(super) earlier: bool,
    /// Whether it ever had anything to look at.
    tried: bool,
}

impl Row<'_> {
    /// Whether it is one of the harness's own.
    pub(super) fn is_own(&self) -> bool {
        is_own(&self.meta.id)
    }

    /// Whether it is worth a line: the harness speaks of itself only if something is wrong.
    pub(super) fn is_loud(&self) -> bool {
        let is_wrong = matches!(self.stand, Stand::Red | Stand::Errored | Stand::Unjudged);
        is_wrong || !self.is_own()
    }

    /// Whether nothing was looked at; what is judged once after an event was, if it ever was.
    pub(super) fn saw_nothing(&self) -> bool {
        match &self.verdict.outcome {
            Outcome::NotDue => !self.tried,
            Outcome::Violated { .. } => false,
            _ => self.examined.unwrap_or(0) == 0,
        }
    }

    /// How many subjects are red.
    pub(super) fn subjects(&self) -> usize {
        let subjects: BTreeSet<&str> = self.red.iter().map(|(_, subject, _)| *subject).collect();
        subjects.len()
    }

    /// How bad it is now; the invariant's own severity while nothing is red.
    pub(super) fn severity(&self) -> Severity {
        let worst = self.red.iter().map(|(_, _, red)| red.severity).max();
        worst.unwrap_or(self.meta.severity)
    }

    /// Whether what is red may be all that is known: it was not judged in this cycle, or not all of it.
    pub(super) fn unsure(&self) -> bool {
        !self.verdict.is_judged() || !self.verdict.blind.is_empty()
    }

    /// Why it could not be judged, or not all of it.
    pub(super) fn cause(&self) -> Option<&Cause> {
        self.verdict
            .cause()
            .or_else(|| self.verdict.blind.values().next())
    }

    /// The kinds that have never had anything to look at, while the invariant had.
    pub(super) fn untried(&self) -> impl Iterator<Item = &str> {
        let arms = self.verdict.arms.iter();
        arms.filter(|(_, count)| **count == 0)
            .map(|(kind, _)| kind.as_str())
    }
}

/// All invariants of the cycle: red first, then what could not be judged.
pub(super) fn rows<'a>(status: &Status<'a>) -> Vec<Row<'a>> {
    let verdicts = status.report.verdicts.iter();
    let mut rows: Vec<_> = verdicts
        .map(|(id, verdict)| row(status, id, verdict))
        .collect();
    rows.sort_by(|a, b| {
        let severity = |row: &Row<'_>| std::cmp::Reverse(row.severity());
        let order = |row: &Row<'_>| (row.earlier, row.stand, row.is_own(), severity(row));
        order(a)
            .cmp(&order(b))
            .then_with(|| a.meta.id.cmp(&b.meta.id))
    });
    rows
}

fn row<'a>(status: &Status<'a>, id: &str, verdict: &'a Verdict) -> Row<'a> {
    let standing = status.state.standing(id);
    let mut red: Vec<_> = standing.into_iter().flat_map(|it| it.red()).collect();
    red.sort_by_key(|(kind, subject, red)| {
        (std::cmp::Reverse(red.severity), red.since, *kind, *subject)
    });
    Row {
        meta: &verdict.meta,
        verdict,
        stand: if red.is_empty() {
            stand(verdict)
        } else {
            Stand::Red
        },
        red,
        examined: match &verdict.outcome {
            Outcome::Held { examined } | Outcome::Violated { examined, .. } => Some(*examined),
            _ => None,
        },
        unjudged_cycles: standing.map_or(0, |it| it.unjudged_cycles()),
        vacuous_cycles: standing.map_or(0, |it| it.vacuous_cycles()),
        earlier: status.only.is_some_and(|ids| !ids.contains(id)),
        tried: standing.is_some_and(|it| it.coverage().examined > 0),
    }
}

fn stand(verdict: &Verdict) -> Stand {
    match &verdict.outcome {
        Outcome::Violated { .. } => Stand::Red,
        Outcome::Errored { .. } => Stand::Errored,
        Outcome::Unjudged { .. } => Stand::Unjudged,
        Outcome::NotDue => Stand::NotDue,
        Outcome::Held { .. } if verdict.is_vacuous() => Stand::Vacuous,
        Outcome::Held { .. } => Stand::Held,
    }
}

/// Whether there is nothing to be judged but the harness itself.
pub(super) fn is_idle(rows: &[Row<'_>]) -> bool {
    rows.iter().all(Row::is_own)
}

/// How many invariants stand like that.
pub(super) fn count(rows: &[&Row<'_>], stand: Stand) -> usize {
    rows.iter().filter(|row| row.stand == stand).count()
}

/// The ids of those for which it holds.
pub(super) fn ids(rows: &[&Row<'_>], holds: impl Fn(&Row<'_>) -> bool) -> Vec<String> {
    let found = rows.iter().filter(|row| holds(row));
    found.map(|row| row.meta.id.clone()).collect()
}
