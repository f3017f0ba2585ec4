use std::collections::{BTreeMap, BTreeSet};

use crate::engine::state::Harness;
use crate::{CauseKind, Outcome, Reading, Snapshot, Verdict};

/// An answer of a source that is far away takes longer than this, in microseconds.
pub(crate) const NO_TIME: i64 = 100;

/// The names of so many instances are kept.
const WRITERS: usize = 16;

/// What became of a source in one look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sight {
    NotAsked,
    Dark,
    Alive,
}

impl Harness {
    /// Counts what this cycle adds to what the cycles before it have shown.
    pub(crate) fn count(&mut self, verdicts: &BTreeMap<String, Verdict>, snapshot: &Snapshot) {
        self.sequence += 1;
        self.count_dark(snapshot);
        self.count_instant(snapshot);
        self.count_empty(verdicts);
    }

    fn count_dark(&mut self, snapshot: &Snapshot) {
        let sights = sights(snapshot);
        self.blind
            .retain(|source, _| sights.contains_key(source.as_str()));
        for (source, sight) in sights {
            let dark = self.blind.entry(source.to_owned()).or_default();
            *dark = match sight {
                Sight::Alive => 0,
                Sight::Dark => *dark + 1,
                Sight::NotAsked => *dark,
            };
        }
    }

    fn count_instant(&mut self, snapshot: &Snapshot) {
        let far = |facet: &&String| snapshot.remote.contains(snapshot.origin(facet));
        let read = snapshot.first().iter().filter(|(facet, _)| far(facet));
        let took = read.filter(|(_, reading)| reading.table().is_ok());
        let longest = took
            .map(|(_, reading)| reading.ended.since(reading.begun))
            .max();
        self.instant = match longest {
            Some(longest) if longest < NO_TIME => self.instant + 1,
            Some(_) => 0,
            None => self.instant,
        };
    }

    fn count_empty(&mut self, verdicts: &BTreeMap<String, Verdict>) {
        let examined = |verdict: &Verdict| match verdict.outcome {
            Outcome::Held { examined } | Outcome::Violated { examined, .. } => Some(examined),
            _ => None,
        };
        match verdicts.values().filter_map(examined).max() {
            Some(0) if self.examined => self.empty += 1,
            Some(0) | None => {}
            Some(_) => (self.empty, self.examined) = (0, true),
        }
    }

    /// Keeps who judged, when, and by what.
    pub(crate) fn close(&mut self, options: &crate::Options, snapshot: &Snapshot) {
        self.taken = Some(snapshot.taken());
        self.ended = Some(snapshot.ended().unwrap_or(snapshot.taken()));
        self.monotonic = snapshot.monotonic;
        self.boot = snapshot.boot().map(str::to_owned);
        if let Some(digest) = &options.digest {
            self.digest = Some(digest.clone());
        }
        if let Some(instance) = &options.instance {
            self.writers.insert(instance.clone(), self.sequence);
            self.forget_writers();
        }
    }

    fn forget_writers(&mut self) {
        while self.writers.len() > WRITERS {
            let oldest = self.writers.iter().min_by_key(|(_, sequence)| **sequence);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            self.writers.remove(&oldest);
        }
    }
}

/// What became of each source.
fn sights(snapshot: &Snapshot) -> BTreeMap<&str, Sight> {
    let mut sights = BTreeMap::new();
    for (facet, reading) in snapshot.first() {
        let sight = sights
            .entry(snapshot.origin(facet))
            .or_insert(Sight::NotAsked);
        *sight = (*sight).max(of(reading));
    }
    sights
}

fn of(reading: &Reading) -> Sight {
    match reading.table() {
        Ok(_) => Sight::Alive,
        Err(cause) if cause.kind() == CauseKind::NotRun => Sight::NotAsked,
        Err(_) => Sight::Dark,
    }
}

/// The sources of which something could be read.
pub(crate) fn alive(snapshot: &Snapshot) -> BTreeSet<&str> {
    seen_as(snapshot, Sight::Alive).collect()
}

/// The sources that were asked, and of which nothing could be read.
pub(crate) fn dark(snapshot: &Snapshot) -> Vec<&str> {
    seen_as(snapshot, Sight::Dark).collect()
}

fn seen_as(snapshot: &Snapshot, wanted: Sight) -> impl Iterator<Item = &str> {
    let sights = sights(snapshot).into_iter();
    sights
        .filter(move |(_, sight)| *sight == wanted)
        .map(|(source, _)| source)
}
