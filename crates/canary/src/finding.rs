use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Facts, Severity};

/// One subject for which an invariant does not hold, in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whom it is about: an agent, a run, a row. Never cut: it is a key.
    pub subject: String,
    /// In which way, of the kinds that the check declares.
    pub kind: String,
    /// How bad it is; the invariant's own if none.
    pub severity: Option<Severity>,
    /// The elements that are wrong, where a subject has many. After a second look only those remain that were wrong in both.
    pub elements: BTreeSet<String>,
    /// What was seen.
    pub facts: Facts,
}

impl Finding {
    /// A finding without elements or facts.
    pub fn new(subject: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            kind: kind.into(),
            severity: None,
            elements: BTreeSet::new(),
            facts: Facts::new(),
        }
    }
}
