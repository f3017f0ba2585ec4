use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::look::{Id, Look};
use crate::stamp::micros;
use crate::{Finding, Stamp};

/// Since when each finding has been there, by kind and subject.
pub(crate) type Pending = BTreeMap<String, BTreeMap<String, Stamp>>;

/// Takes out of a look what has not been there for long enough, and remembers since when it is.
///
/// What is red already stays in. A subject that is blind keeps its time: it was there in every cycle that could judge.
pub(crate) fn sustain(
    look: &mut Look,
    pending: &mut Pending,
    red: impl Fn(&Id) -> bool,
    enough: Duration,
    now: Stamp,
) -> Vec<Finding> {
    let before = std::mem::take(pending);
    for (kind, subjects) in &before {
        let blind = subjects
            .iter()
            .filter(|(subject, _)| look.blind.contains_key(*subject));
        for (subject, since) in blind {
            keep(pending, kind, subject, *since);
        }
    }
    let mut early = Vec::new();
    let mut fire = BTreeMap::new();
    for (key, finding) in std::mem::take(&mut look.findings) {
        let since = since(&before, &key)
            .filter(|since| *since <= now)
            .unwrap_or(now);
        if red(&key) {
            fire.insert(key, finding);
            continue;
        }
        keep(pending, &key.0, &key.1, since);
        if now.since(since) >= micros(enough) {
            fire.insert(key, finding);
        } else {
            look.doubtful.insert(key.1);
            early.push(finding);
        }
    }
    look.findings = fire;
    early
}

/// Since when a finding has been there, if it has.
pub(crate) fn since(pending: &Pending, (kind, subject): &Id) -> Option<Stamp> {
    pending.get(kind)?.get(subject).copied()
}

/// Forgets what fires now: it is red from here on.
pub(crate) fn fired(pending: &mut Pending, (kind, subject): &Id) -> Option<Stamp> {
    let subjects = pending.get_mut(kind)?;
    let since = subjects.remove(subject);
    if subjects.is_empty() {
        pending.remove(kind);
    }
    since
}

fn keep(pending: &mut Pending, kind: &str, subject: &str, since: Stamp) {
    let subjects = pending.entry(kind.to_owned()).or_default();
    subjects.insert(subject.to_owned(), since);
}
