use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::Schema;
use crate::{Cause, Coverage, Transition, Verdict};

/// What one cycle says: a value, the same bytes for the same snapshot, rules and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    pub(crate) schema: Schema,
    /// When the cycle began.
    pub taken: crate::Stamp,
    /// Which full cycle it is, counted by the state.
    pub sequence: u64,
    /// Who judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// By which rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// One for each invariant that was to be judged, by id; the harness's own begin with `canary.`.
    pub verdicts: BTreeMap<String, Verdict>,
    /// What has changed, in order of the ids.
    pub transitions: Vec<Transition>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// How much each invariant has had to look at so far.
    pub coverage: BTreeMap<String, Coverage>,
}

/// A facet, or one subject of it, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unread {
    /// The facet.
    pub facet: String,
    /// The subject; all of them if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether it was the second look that failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// Why.
    pub cause: Cause,
}
