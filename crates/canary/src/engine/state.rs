use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::sustain::Pending;
use crate::schema::Schema;
use crate::{Coverage, Error, ErrorKind, Facts, Memory, Severity, Stamp};

/// What is kept from one cycle to the next: red keys, what checks remember, and counters. What is green takes no room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub(crate) schema: Schema,
    pub(crate) harness: Harness,
    pub(crate) invariants: BTreeMap<String, Standing>,
}

/// What the harness knows of itself. Full cycles alone write it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Harness {
    pub(crate) sequence: u64,
    pub(crate) taken: Option<Stamp>,
    pub(crate) ended: Option<Stamp>,
    pub(crate) monotonic: Option<u64>,
    pub(crate) boot: Option<String>,
    pub(crate) digest: Option<String>,
    /// Who judged, and in which cycle last.
    pub(crate) writers: BTreeMap<String, u64>,
    /// For how many cycles in a row nothing of a source could be read.
    pub(crate) blind: BTreeMap<String, u64>,
    /// For how many cycles in a row remote sources answered in no time.
    pub(crate) instant: u64,
    /// For how many cycles in a row nothing at all was examined.
    pub(crate) empty: u64,
    /// Whether anything was ever examined.
    pub(crate) examined: bool,
}

/// Where one invariant stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Standing {
    // By kind, then by subject.
    pub(crate) red: BTreeMap<String, BTreeMap<String, Red>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pending: Pending,
    #[serde(skip_serializing_if = "Memory::is_empty")]
    pub(crate) memory: Memory,
    pub(crate) coverage: Coverage,
    pub(crate) unjudged: u64,
    /// Whether somebody was told that it is unjudged.
    pub(crate) stale: bool,
    pub(crate) vacuous: u64,
    pub(crate) short: u64,
    pub(crate) looked: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<Epoch>,
}

/// The event that an invariant was judged after, or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Epoch {
    pub(crate) id: String,
    pub(crate) seen: Stamp,
    pub(crate) phase: Phase,
    /// How many before it were followed by the next before they could be judged.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) lost: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// How far the judgement of an epoch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Due,
    Done,
    Missed,
}

/// One red key: since when, and what was seen last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Red {
    /// When it was found first.
    pub since: Stamp,
    /// When it was found last.
    pub seen: Stamp,
    /// In how many cycles it was found.
    pub cycles: u64,
    /// How bad it is, at worst in this episode.
    pub severity: Severity,
    /// The elements that were wrong when it was found last.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub elements: BTreeSet<String>,
    /// What was seen when it was found last.
    pub facts: Facts,
    /// When somebody was told last. The engine keeps it and never writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerted: Option<Stamp>,
}

impl State {
    /// Reads what [`State::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// When it is anything else, or of another schema.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| {
            let message = format!("read the state: {error}; move it aside to begin anew");
            Error::new(ErrorKind::State, message)
        })
    }

    /// Where there should be a state and none can be read: the checks of these invariants know that they remember nothing.
    pub fn forgotten<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let lost = || Standing {
            memory: Memory::lost(),
            ..Standing::default()
        };
        Self {
            invariants: ids.into_iter().map(|id| (id.to_owned(), lost())).collect(),
            ..Self::default()
        }
    }

    /// As JSON, schema 1, on one line.
    pub fn to_json(&self) -> String {
        // Maps with text for keys, numbers and text: there is nothing in it that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// How many full cycles have been judged.
    pub fn sequence(&self) -> u64 {
        self.harness.sequence
    }

    /// When the last full cycle ended.
    pub fn ended(&self) -> Option<Stamp> {
        self.harness.ended
    }

    /// Where each invariant stands that was ever to be judged, by id.
    pub fn invariants(&self) -> impl Iterator<Item = (&str, &Standing)> {
        self.invariants
            .iter()
            .map(|(id, standing)| (id.as_str(), standing))
    }

    /// Where one invariant stands.
    pub fn standing(&self, id: &str) -> Option<&Standing> {
        self.invariants.get(id)
    }

    /// Keeps that somebody was told of a red key; nothing happens if it is not red.
    pub(crate) fn alerted(&mut self, invariant: &str, kind: &str, subject: &str, at: Stamp) {
        let standing = self.invariants.get_mut(invariant);
        let red = standing.and_then(|standing| standing.red.get_mut(kind)?.get_mut(subject));
        if let Some(red) = red {
            red.alerted = Some(at);
        }
    }
}

impl Standing {
    /// The red keys: kind, subject, and what is known of it.
    pub fn red(&self) -> impl Iterator<Item = (&str, &str, &Red)> {
        self.red.iter().flat_map(|(kind, subjects)| {
            let key = move |(subject, red)| (kind.as_str(), String::as_str(subject), red);
            subjects.iter().map(key)
        })
    }

    /// Whether any key is red.
    pub fn is_red(&self) -> bool {
        !self.red.is_empty()
    }

    /// For how many cycles in a row not every subject could be judged.
    pub fn unjudged_cycles(&self) -> u64 {
        self.unjudged
    }

    /// For how many cycles in a row there was nothing to look at.
    pub(crate) fn vacuous_cycles(&self) -> u64 {
        self.vacuous
    }

    /// How much there was to look at so far.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// When it was to be judged last.
    pub fn looked(&self) -> Option<Stamp> {
        self.looked
    }
}
