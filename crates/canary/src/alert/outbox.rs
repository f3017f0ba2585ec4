use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::policy::Told;
use super::{Alert, Counters, Delivery};
use crate::{Cause, CauseKind, Stamp};

/// How many entries wait at most. The oldest make room, and those that were never tried are the last to do so.
const ROOM: usize = 10_000;

/// What is to be sent and has not arrived, what somebody was told of, and what became of it all. It is committed together with the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outbox {
    next: u64,
    counters: Counters,
    told: BTreeMap<String, Told>,
    entries: Vec<Entry>,
    /// How many deliveries were given up at each sink since one arrived there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    given_up: BTreeMap<String, u64>,
}

/// One alert for one sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// Which one it is; never used twice.
    pub number: u64,
    /// The sink, by its name.
    pub sink: String,
    /// The alert, as it was when it was decided.
    pub alert: Alert,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// When it failed first. What was first written stays.
    #[serde(default)]
    pub first_failed_at: Option<Stamp>,
    /// In which cycle it was tried last.
    #[serde(default)]
    pub last_attempt_at: Option<Stamp>,
    /// Why it failed last.
    #[serde(default)]
    pub last_error: Option<Cause>,
}

/// How often and for how long a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most so many times.
    pub attempts: u32,
    /// At most that long after it failed first; but three times in any case, as a clock may jump.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: 300,
            age: Duration::from_secs(86_400),
        }
    }
}

/// What came of sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// Arrived.
    pub delivered: u64,
    /// Not to be sent.
    pub skipped: u64,
    /// Did not arrive, and is tried again in the next cycle.
    pub failed: Vec<Entry>,
}

impl Outbox {
    /// What was given up at a sink that is gone is nobody's trouble any more.
    pub(super) fn heed(&mut self, sinks: &[&str]) {
        self.given_up
            .retain(|sink, _| sinks.contains(&sink.as_str()));
    }

    /// Nobody is there who could be told.
    pub(super) fn skip(&mut self, alerts: u64) {
        self.counters.detected += alerts;
        self.counters.skipped += alerts;
    }

    /// Arms alerts: one entry for each sink.
    pub(super) fn arm(&mut self, alerts: &[Alert], sinks: &[&str]) {
        self.counters.detected += alerts.len() as u64;
        for alert in alerts {
            for sink in sinks {
                self.push(alert.clone(), (*sink).to_owned());
            }
        }
    }

    fn push(&mut self, alert: Alert, sink: String) {
        let number = self.next;
        self.next += 1;
        self.entries.push(Entry {
            number,
            sink,
            alert,
            attempts: 0,
            first_failed_at: None,
            last_attempt_at: None,
            last_error: None,
        });
    }

    /// Begins the attempts of a cycle: each entry that is due is counted as tried, before it is. What has been tried too often or for too long,
    /// or has no room, is given up, counted, and returned: that is an error to be told.
    #[must_use = "what was given up is an error to be told"]
    pub fn begin(&mut self, at: Stamp, limits: &Limits) -> Vec<Entry> {
        let mut dropped = self.make_room();
        let spent = |entry: &Entry| entry.is_spent(at, limits);
        let (gone, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(spent);
        self.entries = kept;
        dropped.extend::<Vec<_>>(gone);
        self.counters.dropped += dropped.len() as u64;
        for entry in &dropped {
            *self.given_up.entry(entry.sink.clone()).or_default() += 1;
        }
        for entry in &mut self.entries {
            if entry.last_attempt_at != Some(at) {
                entry.attempts += 1;
                entry.last_attempt_at = Some(at);
            }
        }
        dropped
    }

    /// What is too much.
    fn make_room(&mut self) -> Vec<Entry> {
        let over = self.entries.len().saturating_sub(ROOM);
        let mut dropped = Vec::new();
        for tried in [true, false] {
            let left = over - dropped.len();
            let fits = |entry: &mut Entry| (entry.attempts > 0) == tried;
            dropped.extend(self.entries.extract_if(.., fits).take(left));
        }
        dropped
    }

    /// Sends what [`begin`](Self::begin) has begun, oldest first. After a failure, what is newer of the same invariant waits for the next cycle, so that alerts
    /// arrive in order, and so it does where `deliver` says that it comes later; after a sink was not reached or did not answer in time, nothing further is tried there in this cycle.
    pub fn send(&mut self, at: Stamp, deliver: &mut dyn FnMut(&str, &Alert) -> Delivery) -> Round {
        let mut round = Round::default();
        let mut lines = Lines::default();
        let mut kept = Vec::new();
        for mut entry in std::mem::take(&mut self.entries) {
            let is_begun = entry.last_attempt_at == Some(at);
            if !is_begun || lines.is_stuck(&entry) {
                // It was counted as tried, and is not.
                entry.attempts -= u32::from(is_begun);
                kept.push(entry);
                continue;
            }
            let delivery = match lines.dead.get(&entry.sink) {
                Some(cause) => Delivery::Failed(cause.clone()),
                None => deliver(&entry.sink, &entry.alert),
            };
            match delivery {
                Delivery::Later => {
                    entry.attempts -= 1;
                    lines.stuck.insert(line(&entry));
                    kept.push(entry);
                }
                Delivery::Delivered => {
                    round.delivered += 1;
                    self.given_up.remove(&entry.sink);
                }
                Delivery::Skipped => round.skipped += 1,
                Delivery::Failed(cause) => {
                    lines.failed(&entry, &cause);
                    entry.failed(cause, at);
                    round.failed.push(entry.clone());
                    kept.push(entry);
                }
            }
        }
        self.entries = kept;
        self.count(&round);
        round
    }

    fn count(&mut self, round: &Round) {
        self.counters.delivered += round.delivered;
        self.counters.skipped += round.skipped;
        self.counters.failed += round.failed.len() as u64;
    }

    /// What has not arrived, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn given_up(&self) -> &BTreeMap<String, u64> {
        &self.given_up
    }

    /// What became of alerts so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Forgets what was told of invariants that are not known any more.
    pub(super) fn forget(&mut self, known: impl Fn(&str) -> bool) {
        self.told.retain(|id, _| known(id));
    }

    pub(super) fn told(&self, invariant: &str) -> Told {
        self.told.get(invariant).cloned().unwrap_or_default()
    }

    pub(super) fn tell(&mut self, invariant: &str, told: Told) {
        if told == Told::default() {
            self.told.remove(invariant);
        } else {
            self.told.insert(invariant.to_owned(), told);
        }
    }
}

impl Entry {
    fn is_spent(&self, at: Stamp, limits: &Limits) -> bool {
        let old =
            |first| u128::from(at.since(first).max(0).unsigned_abs()) > limits.age.as_micros();
        let aged = self.attempts >= 3 && self.first_failed_at.is_some_and(old);
        aged || self.attempts >= limits.attempts.max(1)
    }

    fn failed(&mut self, cause: Cause, at: Stamp) {
        self.first_failed_at.get_or_insert(at);
        self.last_error = Some(cause);
    }
}

/// Where nothing gets through in this cycle.
#[derive(Default)]
struct Lines {
    dead: BTreeMap<String, Cause>,
    stuck: BTreeSet<(String, String)>,
}

impl Lines {
    fn is_stuck(&self, entry: &Entry) -> bool {
        !self.stuck.is_empty() && self.stuck.contains(&line(entry))
    }

    fn failed(&mut self, entry: &Entry, cause: &Cause) {
        self.stuck.insert(line(entry));
        if is_silence(cause) {
            self.dead.insert(entry.sink.clone(), cause.clone());
        }
    }
}

fn line(entry: &Entry) -> (String, String) {
    (entry.sink.clone(), entry.alert.invariant.clone())
}

/// Whether nobody was there, so that the next attempt would wait in vain as well.
fn is_silence(cause: &Cause) -> bool {
    matches!(cause.kind(), CauseKind::Unreachable | CauseKind::Timeout)
}

impl<'de> Deserialize<'de> for Outbox {
    /// Field by field and entry by entry: one that is corrupt is lost and counted, and does not disable the rest.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let mut corrupt = 0;
        let mut counters: Counters = read(&mut value, "counters", &mut corrupt);
        let next: u64 = read(&mut value, "next", &mut corrupt);
        let told: BTreeMap<String, Value> = read(&mut value, "told", &mut corrupt);
        let entries: Vec<Value> = read(&mut value, "entries", &mut corrupt);
        let given_up = read(&mut value, "given_up", &mut corrupt);
        let mut keep = |value: Value| parsed::<Entry>(value, &mut corrupt);
        let entries: Vec<Entry> = entries.into_iter().filter_map(&mut keep).collect();
        let told = told
            .into_iter()
            .filter_map(|(id, value)| Some((id, parsed(value, &mut corrupt)?)))
            .collect();
        let beyond = entries
            .iter()
            .map(|entry| entry.number.saturating_add(1))
            .max();
        counters.corrupt += corrupt;
        Ok(Self {
            next: next.max(beyond.unwrap_or(0)),
            counters,
            told,
            entries,
            given_up,
        })
    }
}

fn read<T: Default + for<'a> Deserialize<'a>>(
    whole: &mut Value,
    name: &str,
    corrupt: &mut u64,
) -> T {
    let field = whole.get_mut(name).map(Value::take);
    field
        .and_then(|field| parsed(field, corrupt))
        .unwrap_or_default()
}

fn parsed<T: for<'a> Deserialize<'a>>(value: Value, corrupt: &mut u64) -> Option<T> {
    let read = serde_json::from_value(value).ok();
    *corrupt += u64::from(read.is_none());
    read
}
