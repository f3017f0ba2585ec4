//! How bad it is all in all, and why.

use super::standing::{Row, Stand, count, ids, is_idle};
use super::{Level, Status};
use crate::alert::Unheard;
use crate::fact::bounded;
use crate::plural::plural;
use crate::{Change, Severity};

/// How many invariants are named in one line.
const NAMED: usize = 5;

/// The level, and what it comes from beside the invariants.
pub(super) struct Overall {
    pub(super) level: Level,
    pub(super) reasons: Vec<Reason>,
}

/// Something of the harness itself that is no good news.
pub(super) struct Reason {
    /// For a line that says all.
    pub(super) short: String,
    /// In full.
    pub(super) long: String,
}

pub(super) fn overall(status: &Status<'_>, rows: &[Row<'_>]) -> Overall {
    let worst = rows.iter().map(of).max().unwrap_or(Level::Ok);
    let mut overall = Overall {
        level: worst,
        reasons: Vec::new(),
    };
    if let Some(warning) = status.warning {
        let (short, long) = (bounded(warning, 80), bounded(warning, 500));
        overall.add(Level::Unknown, short, long);
    }
    overall.examined(rows);
    for unwritten in status.unwritten {
        let key = bounded(&unwritten.key, 40);
        let why = bounded(&unwritten.why, 500);
        // What is red is told in other ways as well.
        let least = match overall.level {
            Level::Ok => Level::Unknown,
            level => level,
        };
        overall.add(
            least,
            format!("[output] {key} not written"),
            format!("[output] {key} could not be written, and is old: {why}"),
        );
    }
    for unheard in status.outbox.unheard() {
        let sink = bounded(&unheard.sink, 80);
        let short = format!("alerts do not arrive at {sink}");
        let long = format!("alerts do not arrive at {sink}: {}", missed(&unheard));
        overall.add(Level::Warning, short, long);
    }
    overall
}

/// How bad one invariant is.
fn of(row: &Row<'_>) -> Level {
    match (row.stand, row.severity()) {
        (Stand::Red, Severity::Critical) => Level::Critical,
        // What is red and cannot be judged as a whole may be worse than it looks.
        (Stand::Red, _) if row.unsure() => Level::Unknown,
        (Stand::Red, _) => Level::Warning,
        (Stand::Errored | Stand::Unjudged, _) => Level::Unknown,
        (Stand::Vacuous | Stand::Held | Stand::NotDue, _) => Level::Ok,
    }
}

impl Overall {
    fn add(&mut self, least: Level, short: String, long: String) {
        self.level = self.level.max(least);
        self.reasons.push(Reason { short, long });
    }

    /// That nobody found anything wrong is no news if nobody had anything to look at.
    fn examined(&mut self, rows: &[Row<'_>]) {
        let idle = is_idle(rows);
        if !rows
            .iter()
            .filter(|row| !row.is_own())
            .all(Row::saw_nothing)
        {
            return;
        }
        let dark = |row: &Row<'_>| matches!(row.stand, Stand::Errored | Stand::Unjudged);
        if idle {
            let long = "nothing is watched: the rules have no invariant that is on";
            self.add(
                Level::Unknown,
                "nothing is watched".to_owned(),
                long.to_owned(),
            );
        } else if !rows.iter().any(dark) {
            let long = "nothing was examined: no invariant had anything to look at, so nobody knows whether anything is wrong";
            self.add(
                Level::Unknown,
                "nothing was examined".to_owned(),
                long.to_owned(),
            );
        }
    }

    /// What makes the level, and then how many others there are.
    pub(super) fn summary(&self, status: &Status<'_>, rows: &[Row<'_>]) -> String {
        let loud: Vec<_> = rows.iter().filter(|row| row.is_loud()).collect();
        let mut said = red(&loud);
        let of = |stands: &[Stand]| ids(&loud, |row| stands.contains(&row.stand));
        said.extend(named(&of(&[Stand::Errored]), "went down while judging"));
        said.extend(named(&of(&[Stand::Unjudged]), "not judged"));
        let partly = ids(&loud, |row| row.stand == Stand::Red && row.unsure());
        said.extend(named(&partly, "red and not judged as a whole"));
        said.extend(self.reasons.iter().map(|reason| reason.short.clone()));
        match dropped(status) {
            0 => {}
            keys => said.push(format!("{keys} red dropped with their rules")),
        }
        for stand in [Stand::Held, Stand::Vacuous, Stand::NotDue] {
            match count(&loud, stand) {
                0 => {}
                count => said.push(format!("{count} {}", stand.name())),
            }
        }
        said.join(", ")
    }
}

/// The worst of what is red, by name.
fn red(rows: &[&Row<'_>]) -> Vec<String> {
    let red: Vec<_> = rows.iter().filter(|row| row.stand == Stand::Red).collect();
    let one = |row: &&&Row<'_>| {
        let subjects = plural(row.subjects() as u64, "subject");
        format!("{} red ({subjects})", bounded(&row.meta.id, 40))
    };
    let mut said: Vec<_> = red.iter().take(NAMED).map(one).collect();
    if red.len() > NAMED {
        said.push(format!("{} more red", red.len() - NAMED));
    }
    said
}

/// `2 not judged (B-02, R-01)`.
fn named(ids: &[String], what: &str) -> Option<String> {
    let more = if ids.len() > NAMED { ", …" } else { "" };
    let first = ids.iter().take(NAMED);
    let first: Vec<_> = first.map(|id| bounded(id, 40)).collect();
    (!ids.is_empty()).then(|| format!("{} {what} ({}{more})", ids.len(), first.join(", ")))
}

/// How many red keys went with the rules that knew them.
fn dropped(status: &Status<'_>) -> usize {
    let changes = status.report.transitions.iter();
    changes
        .filter(|it| matches!(it.change, Change::Dropped { .. }))
        .count()
}

fn missed(unheard: &Unheard) -> String {
    let mut said = Vec::new();
    if unheard.waiting > 0 {
        said.push(format!("{} waiting", unheard.waiting));
    }
    if unheard.given_up > 0 {
        said.push(format!("{} given up", unheard.given_up));
    }
    let why = unheard.why.as_ref().map(ToString::to_string);
    let why = why.map_or(String::new(), |why| format!("; {}", bounded(&why, 300)));
    format!("{}{why}", said.join(", "))
}
