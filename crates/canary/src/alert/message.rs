use serde::{Deserialize, Serialize};

use super::words;
use crate::{Severity, Stamp};

/// One message to people about one invariant. Its texts are bounded and without control characters; each sink still escapes them for its own format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// The same for each delivery of the same alert, and for no other: what comes twice can be told by it.
    pub id: String,
    /// What happened.
    pub reason: Reason,
    /// The invariant.
    pub invariant: String,
    /// What must hold.
    pub title: String,
    /// The worst of what it is about.
    pub severity: Severity,
    /// When, by the cycle's clock.
    pub at: Stamp,
    /// Since when it is, or was, not as it should be.
    pub since: Option<Stamp>,
    /// The title of the rule set that says so; empty in what an older one wrote.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rules: String,
    /// Which harness says so, where several write to one place.
    pub instance: String,
    /// The first of the subjects that it is about.
    pub lines: Vec<Line>,
    /// How many subjects it is about in all.
    pub all: u64,
    /// How many are red now.
    pub red: u64,
    /// Where to look first.
    pub runbook: String,
}

/// One subject of an [`Alert`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// Whom it is about; empty if it is the invariant as a whole.
    pub subject: String,
    /// In which way.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// Why an [`Alert`] is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reason {
    /// It was green, or not bad enough to tell: the first word of an episode.
    Opened,
    /// Further subjects, or further ways, while it is red.
    Joined,
    /// What is red became worse.
    Worsened,
    /// It opens again and again: single changes are not told until it stays as it is.
    Flapping,
    /// It is red still.
    Reminder,
    /// Subjects are as they should be again, and something shows it.
    Recovered,
    /// It could not be judged for too long.
    Stale,
    /// It could not be judged for too long, and now it can be.
    Sighted,
    /// It was red, and the rules do not know it any more.
    Dropped,
}

impl Reason {
    /// As it is written in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Joined => "joined",
            Self::Worsened => "worsened",
            Self::Flapping => "flapping",
            Self::Reminder => "reminder",
            Self::Recovered => "recovered",
            Self::Stale => "stale",
            Self::Sighted => "sighted",
            Self::Dropped => "dropped",
        }
    }
}

impl Alert {
    /// All of it in one line, such as `[fleet] opened: S-01 Slot-row bijection (major, 3 subjects)`.
    pub fn headline(&self) -> String {
        words::headline(self)
    }

    /// How many subjects it is about beyond those in its lines.
    pub fn unsaid(&self) -> u64 {
        self.all.saturating_sub(self.lines.len() as u64)
    }

    /// As JSON, schema 1, on one line.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Written<'a> {
            schema: u32,
            headline: String,
            #[serde(flatten)]
            alert: &'a Alert,
        }
        let written = Written {
            schema: 1,
            headline: self.headline(),
            alert: self,
        };
        // Text and numbers: there is nothing in it that could fail.
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads what [`Alert::to_json`] wrote; none if it is anything else.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
