//! How a cycle is shown: to people on a terminal, to people in a browser, to programs, and to Prometheus.
//!
//! All of it is text; [`publish`](crate::publish) puts it where others read it.

mod html;
mod human;
mod json;
mod notes;
mod overall;
mod prometheus;
mod series;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

pub use series::Series;
pub use standing::Level;

use serde::{Deserialize, Serialize};

use crate::alert::Outbox;
use crate::{Report, Stamp, State};

/// A file that others look at, and that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// Which, by its key in the rules.
    pub key: String,
    /// Where, and why not.
    pub why: String,
}

/// All that is shown of a cycle.
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// The title of the rules.
    pub title: &'a str,
    /// What the cycle says.
    pub report: &'a Report,
    /// What is red, after it.
    pub state: &'a State,
    /// What became of alerts.
    pub outbox: &'a Outbox,
    /// Whether each source answered; none if it was not asked.
    pub sources: &'a BTreeMap<String, Option<bool>>,
    /// Which invariants this cycle judged, all if none: what is said of the others is older.
    pub only: Option<&'a BTreeSet<String>>,
    /// When the cycle ended.
    pub ended: Stamp,
    /// When the next one will have ended, if there will be one; from then on, what is shown is old.
    pub stale_after: Option<Stamp>,
    /// Invariants that the rules have switched off, by id, and why.
    pub off: &'a BTreeMap<String, String>,
    /// What is wrong with the harness itself, such as a state that was forgotten. It makes green unknown.
    pub warning: Option<&'a str>,
    /// What could not be written of what others look at. It makes green unknown, and hides nothing.
    pub unwritten: &'a [Unwritten],
}

impl Status<'_> {
    /// How bad it is, all in all.
    pub fn level(&self) -> Level {
        overall::overall(self, &standing::rows(self)).level
    }

    /// For a terminal: what is red and since when, what could not be judged and why, and what had nothing to look at.
    pub fn human(&self) -> String {
        human::render(self)
    }

    /// As JSON, schema 1: fields are added and never renamed.
    pub fn json(&self) -> String {
        json::render(self)
    }

    /// In Prometheus' text format, for a collector of text files.
    pub fn prometheus(&self) -> String {
        prometheus::render(self)
    }

    /// As one HTML page, without scripts and without anything that has to be loaded.
    pub fn html(&self) -> String {
        html::render(self)
    }
}

/// How long ago something was, in words.
fn age(now: Stamp, then: Stamp) -> String {
    crate::alert::length(now.since(then).max(0) / 1_000_000)
}

/// A time as people read it: in UTC, to the second.
fn time(stamp: Stamp) -> String {
    let text = stamp.to_string();
    match (text.get(..10), text.get(11..19), text.ends_with('Z')) {
        (Some(day), Some(time), true) => format!("{day} {time} UTC"),
        _ => text,
    }
}
