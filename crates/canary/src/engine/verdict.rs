use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Cause, Finding, Meta, Severity};

/// What one cycle says of one invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The words for people.
    pub meta: Meta,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The subjects of which nothing could be said; their state is what it was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blind: BTreeMap<String, Cause>,
    /// How much each kind's arm had to look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arms: BTreeMap<String, u64>,
    /// What was found and has not been there for long enough to fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Finding>,
    /// How many keys (kind and subject) are red after this cycle, also where nothing could be said in it.
    pub red: u64,
}

/// The case of a [`Verdict`]. Only the first two move the state of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// Everything that was looked at is as it should be. If nothing was, that is vacuous.
    Held {
        /// How many elements were looked at.
        examined: u64,
    },
    /// Something is not.
    Violated {
        /// How many elements were looked at.
        examined: u64,
        /// What is wrong, by kind and subject.
        findings: Vec<Finding>,
    },
    /// Nothing can be said, or not of every subject.
    Unjudged {
        /// Why.
        cause: Cause,
    },
    /// The check itself went down.
    Errored {
        /// Why.
        cause: Cause,
    },
    /// It is judged once after each event, and that is done, or is yet to come.
    NotDue,
}

impl Verdict {
    pub(crate) fn new(meta: Meta, outcome: Outcome) -> Self {
        Self {
            meta,
            outcome,
            blind: BTreeMap::new(),
            arms: BTreeMap::new(),
            pending: Vec::new(),
            red: 0,
        }
    }

    /// Whether it was judged, and held or violated.
    pub fn is_judged(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Held { .. } | Outcome::Violated { .. }
        )
    }

    /// Whether it held because there was nothing to look at.
    pub fn is_vacuous(&self) -> bool {
        matches!(self.outcome, Outcome::Held { examined: 0 })
    }

    /// The findings that fire; none unless violated.
    pub fn findings(&self) -> &[Finding] {
        match &self.outcome {
            Outcome::Violated { findings, .. } => findings,
            _ => &[],
        }
    }

    /// Why nothing can be said, if so.
    pub fn cause(&self) -> Option<&Cause> {
        match &self.outcome {
            Outcome::Unjudged { cause } | Outcome::Errored { cause } => Some(cause),
            _ => None,
        }
    }

    /// The worst of the findings that fire.
    pub fn severity(&self) -> Option<Severity> {
        let of = |finding: &Finding| finding.severity.unwrap_or(self.meta.severity);
        self.findings().iter().map(of).max()
    }
}
