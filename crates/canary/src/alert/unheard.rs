use super::{Entry, Outbox};
use crate::Cause;

/// After so many attempts it is no accident any more that a delivery has not arrived.
const ENOUGH: u32 = 2;

/// A sink that alerts do not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unheard {
    /// Its name.
    pub sink: String,
    /// How many deliveries wait for it.
    pub waiting: u64,
    /// How many were given up since one arrived there.
    pub given_up: u64,
    /// Why the last attempt failed.
    pub why: Option<Cause>,
}

impl Outbox {
    /// The sinks that deliveries have failed at in more than one cycle, or were given up at, and where none has arrived since.
    pub fn unheard(&self) -> Vec<Unheard> {
        let entries = self.entries().iter();
        let failing = entries.filter(|entry| fails(entry)).map(|it| &*it.sink);
        let given_up = self.given_up().keys().map(String::as_str);
        let sinks: std::collections::BTreeSet<&str> = failing.chain(given_up).collect();
        sinks.into_iter().map(|sink| self.at(sink)).collect()
    }

    fn at(&self, sink: &str) -> Unheard {
        let entries = self.entries().iter().filter(|entry| entry.sink == sink);
        let why = entries.clone().rev().find_map(|it| it.last_error.clone());
        Unheard {
            sink: sink.to_owned(),
            waiting: entries.count() as u64,
            given_up: self.given_up().get(sink).copied().unwrap_or(0),
            why,
        }
    }
}

fn fails(entry: &Entry) -> bool {
    entry.attempts >= ENOUGH && entry.last_error.is_some()
}
