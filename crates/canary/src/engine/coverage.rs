use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Verdict;

/// How much an invariant has had to look at. A kind whose arm was never hit has never been tried by the system under watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Coverage {
    /// In how many cycles it was to be judged.
    pub cycles: u64,
    /// In how many of them it held or was violated.
    pub judged: u64,
    /// In how many of them there was something to look at.
    pub examined: u64,
    /// In how many of them each kind's arm had something to look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arms: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts one cycle, in which so many elements were examined.
    pub(crate) fn count(&mut self, verdict: &Verdict, examined: u64) {
        self.cycles += 1;
        self.judged += u64::from(verdict.is_judged());
        self.examined += u64::from(examined > 0);
        for (kind, hits) in &verdict.arms {
            *self.arms.entry(kind.clone()).or_default() += u64::from(*hits > 0);
        }
    }
}
