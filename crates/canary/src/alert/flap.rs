use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Change, Key, Severity, Stamp};

/// Of so many keys of one invariant it is known how often they opened; of more, each change is told.
const KEYS: usize = 1_000;

/// Keys that open again and again, by kind and subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Flaps(BTreeMap<String, BTreeMap<String, Flap>>);

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flap {
    /// When it opened, within the window; the oldest first.
    opened: Vec<Stamp>,
    /// When it opened or closed last.
    changed: Stamp,
    /// What somebody was told; none: it does not flap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<Told>,
}

/// That somebody knows of it: single changes are not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// When last.
    pub(super) at: Stamp,
    /// How bad it was, at worst.
    pub(super) severity: Severity,
}

impl Flaps {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in what has changed, and forgets what is older than the window.
    pub(super) fn follow(&mut self, changes: &[&Change], at: Stamp, most: u64, window: Duration) {
        for change in changes {
            match change {
                Change::Opened(key) | Change::Joined(key) => self.opened(key, at),
                Change::Closed { key, .. } => self.closed(key, at),
                Change::Dropped { key, .. } => self.forget(&key.kind, &key.subject),
                _ => {}
            }
        }
        for flap in self.0.values_mut().flat_map(BTreeMap::values_mut) {
            flap.opened.retain(|opened| is_within(at, *opened, window));
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let over = flap.opened.len().saturating_sub(most.saturating_add(1));
            flap.opened.drain(..over);
        }
        self.retain(|flap| flap.told.is_some() || !flap.opened.is_empty());
    }

    fn opened(&mut self, key: &Key, at: Stamp) {
        if self.get(&key.kind, &key.subject).is_none() && self.len() >= KEYS {
            return;
        }
        let subjects = self.0.entry(key.kind.clone()).or_default();
        let flap = subjects.entry(key.subject.clone()).or_insert(Flap {
            opened: Vec::new(),
            changed: at,
            told: None,
        });
        flap.opened.push(at);
        flap.changed = at;
    }

    fn closed(&mut self, key: &Key, at: Stamp) {
        if let Some(flap) = self.get_mut(&key.kind, &key.subject) {
            flap.changed = at;
        }
    }

    fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    pub(super) fn get(&self, kind: &str, subject: &str) -> Option<&Flap> {
        self.0.get(kind)?.get(subject)
    }

    pub(super) fn get_mut(&mut self, kind: &str, subject: &str) -> Option<&mut Flap> {
        self.0.get_mut(kind)?.get_mut(subject)
    }

    /// Whether somebody was told that it flaps.
    pub(super) fn is_told(&self, key: &Key) -> bool {
        let flap = self.get(&key.kind, &key.subject);
        flap.is_some_and(|flap| flap.told.is_some())
    }

    pub(super) fn forget(&mut self, kind: &str, subject: &str) {
        if let Some(subjects) = self.0.get_mut(kind) {
            subjects.remove(subject);
        }
        self.retain(|_| true);
    }

    fn retain(&mut self, keep: impl Fn(&Flap) -> bool) {
        for subjects in self.0.values_mut() {
            subjects.retain(|_, flap| keep(flap));
        }
        self.0.retain(|_, subjects| !subjects.is_empty());
    }

    /// Takes out those of which somebody was told, and that have stayed as they are for so long; as keys as bad as they were at worst.
    pub(super) fn settled(
        &mut self,
        at: Stamp,
        window: Duration,
        seen: impl Fn(&str) -> bool,
    ) -> Vec<Key> {
        let mut settled = Vec::new();
        for (kind, subjects) in &self.0 {
            for (subject, flap) in subjects {
                let told = flap.told.filter(|_| !is_within(at, flap.changed, window));
                settled.extend(told.filter(|_| seen(subject)).map(|told| Key {
                    kind: kind.clone(),
                    subject: subject.clone(),
                    severity: told.severity,
                    facts: crate::Facts::new(),
                    since: None,
                }));
            }
        }
        for key in &settled {
            self.forget(&key.kind, &key.subject);
        }
        settled
    }
}

impl Flap {
    /// How often it opened within the window.
    pub(super) fn times(&self) -> u64 {
        self.opened.len() as u64
    }
}

/// Less than so long ago; a clock that went back counts as long ago, so that more is told, and not less.
fn is_within(now: Stamp, then: Stamp, window: Duration) -> bool {
    let gone = u128::try_from(now.since(then));
    gone.is_ok_and(|gone| gone < window.as_micros())
}
