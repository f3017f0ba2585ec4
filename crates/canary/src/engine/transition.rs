use serde::{Deserialize, Serialize};

use crate::{Cause, Facts, Severity, Stamp};

/// Something that has changed for one invariant in one cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transition {
    /// The invariant.
    pub invariant: String,
    /// When, by the cycle's clock.
    pub at: Stamp,
    /// What.
    #[serde(flatten)]
    pub change: Change,
}

/// The case of a [`Transition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Change {
    /// The invariant was green and has its first red key: an episode begins.
    Opened(Key),
    /// Another key, while it is red.
    Joined(Key),
    /// A key that is red became worse.
    Worsened {
        /// The key, as bad as it is now.
        #[serde(flatten)]
        key: Key,
        /// How bad it was.
        from: Severity,
    },
    /// A key is green again, and this shows it.
    Closed {
        /// The key, as bad as it was at worst.
        #[serde(flatten)]
        key: Key,
        /// For how many seconds it was red.
        held_for_secs: u64,
        /// What shows it.
        witness: Witness,
        /// Whether it was the last red key: the episode is over.
        over: bool,
    },
    /// Nothing could be said for so many cycles in a row. Told once, and again only after it could be judged.
    Stale {
        /// How many.
        unjudged_cycles: u64,
        /// Why not in the last of them.
        cause: Cause,
    },
    /// The rules do not know it any more; it was red, and nobody will see it become green.
    Dropped {
        /// The key.
        #[serde(flatten)]
        key: Key,
        /// For how many seconds it was red.
        held_for_secs: u64,
    },
    /// Worth a word and no alarm.
    Noted {
        /// What was seen.
        facts: Facts,
    },
}

/// Whom a transition is about, and in which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// The kind of the finding.
    pub kind: String,
    /// The subject.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen last.
    pub facts: Facts,
    /// Since when it is red, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Stamp>,
}

/// What shows that a key is green again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Witness {
    /// The subject was looked at, and is as it should be.
    Held(Facts),
    /// The subject is not there any more, while somebody was there to be seen.
    Gone {
        /// The facet that has rows.
        among: String,
        /// How many.
        rows: u64,
    },
}

impl Change {
    /// The key that it is about; none where it is about the invariant as a whole.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Opened(key) | Self::Joined(key) => Some(key),
            Self::Worsened { key, .. } | Self::Closed { key, .. } | Self::Dropped { key, .. } => {
                Some(key)
            }
            Self::Stale { .. } | Self::Noted { .. } => None,
        }
    }
}
