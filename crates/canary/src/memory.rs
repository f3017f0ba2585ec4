use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Stamp;
use crate::stamp::micros;

/// What an invariant saw in earlier cycles, by key and generation. The engine commits it; a check cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory {
    entries: BTreeMap<String, Entry>,
    #[serde(skip)]
    lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    generation: String,
    first: Stamp,
    last: Stamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
}

/// How long something has been so, as far as anybody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// When it was seen first, in this generation and without a gap.
    pub first: Stamp,
    /// When it was seen last before now; the same as `first` if it is new.
    pub last: Stamp,
}

impl Memory {
    /// Nothing, where there should be something: what was kept cannot be read.
    pub fn lost() -> Self {
        Self {
            entries: BTreeMap::new(),
            lost: true,
        }
    }

    /// From here on, what is not remembered was not there.
    pub(crate) fn trust(&mut self) {
        self.lost = false;
    }

    /// Whether what was kept could not be read, so that nothing it says of the past counts.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Says that the key is seen at that time, and tells since when. What was first written stays, unless the generation is another,
    /// nobody looked for longer than `gap`, or the clock went back: then it is new.
    pub fn seen(&mut self, key: &str, generation: &str, now: Stamp, gap: Duration) -> Since {
        let fresh = || Entry {
            generation: generation.to_owned(),
            first: now,
            last: now,
            note: String::new(),
        };
        let entry = self.entries.entry(key.to_owned()).or_insert_with(fresh);
        let silence = now.since(entry.last);
        if entry.generation != generation || silence < 0 || silence > micros(gap) {
            *entry = fresh();
        }
        let since = Since {
            first: entry.first,
            last: entry.last,
        };
        entry.last = now;
        since
    }

    /// Keeps a word with a key that was seen.
    pub fn note(&mut self, key: &str, note: impl Into<String>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.note = note.into();
        }
    }

    /// The word that was kept.
    pub fn noted(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| entry.note.as_str())
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Forgets a key: what it was about is positively over.
    pub fn forget(&mut self, key: &str) {
        self.entries.remove(key);
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets what nobody has seen for that long.
    pub(crate) fn expire(&mut self, now: Stamp, idle: Duration) {
        self.entries
            .retain(|_, entry| now.since(entry.last) <= micros(idle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(600);

    fn at(seconds: i64) -> Stamp {
        Stamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_first_time_stays_while_nothing_breaks_it() {
        let mut memory = Memory::default();
        assert_eq!(memory.seen("7", "a", at(0), GAP).first, at(0));
        assert_eq!(
            memory.seen("7", "a", at(600), GAP).first,
            at(0),
            "just within the gap"
        );
        assert_eq!(
            memory.seen("7", "a", at(1201), GAP).first,
            at(1201),
            "beyond the gap"
        );
        assert_eq!(
            memory.seen("7", "b", at(1202), GAP).first,
            at(1202),
            "another generation"
        );
        assert_eq!(
            memory.seen("7", "b", at(1000), GAP).first,
            at(1000),
            "a clock that went back"
        );
    }
}
