use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something was not read, or could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    kind: CauseKind,
    detail: String,
}

/// The case of a [`Cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CauseKind {
    /// Nobody answered.
    Unreachable,
    /// It did not answer in time.
    Timeout,
    /// It answered that we may not.
    Denied,
    /// Its answer is not what was asked for.
    Garbled,
    /// Its answer is older than it may be, or from a future.
    Stale,
    /// It was not asked: its own source or another that it needs had failed before.
    NotRun,
    /// Two readings that are compared lie too far apart in time.
    Skew,
    /// A reading that cannot be empty is.
    Empty,
    /// A cell that is needed is missing, or is not of its kind.
    Malformed,
    /// What was seen before is not remembered, so that a time cannot be told.
    Forgotten,
    /// A check or a source went down with an error of its own.
    Crashed,
}

impl Cause {
    /// A cause, with words of its own; bounded, and without control characters.
    pub fn new(kind: CauseKind, detail: impl AsRef<str>) -> Self {
        let detail = crate::fact::bounded(detail.as_ref(), 300);
        Self { kind, detail }
    }

    /// The case.
    pub fn kind(&self) -> CauseKind {
        self.kind
    }

    /// In words.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl CauseKind {
    /// As it is written in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Denied => "denied",
            Self::Garbled => "garbled",
            Self::Stale => "stale",
            Self::NotRun => "not-run",
            Self::Skew => "skew",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::Forgotten => "forgotten",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.detail)
    }
}
