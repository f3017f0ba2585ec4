use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::Settled;
use crate::schema::Schema;
use crate::{
    Cause, CauseKind, Change, Coverage, Cut, Meta, Only, Options, Outcome, Severity, Snapshot,
    Stamp, State, Tier, Transition, Verdict,
};

/// What one cycle says: a value, the same bytes for the same snapshot, rules and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    pub(crate) schema: Schema,
    /// When the cycle began.
    pub taken: Stamp,
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
    /// The source that was asked for it, or would have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The subject; all of them if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether it was the second look that failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// Why.
    pub cause: Cause,
}

impl Report {
    pub(crate) fn new(snapshot: &Snapshot, options: &Options) -> Self {
        let mut unread = Vec::new();
        unread.extend(not_read(snapshot, snapshot.first(), false));
        unread.extend(not_read(snapshot, snapshot.second(), true));
        Self {
            schema: Schema,
            taken: snapshot.taken(),
            sequence: 0,
            instance: options.instance.clone(),
            digest: options.digest.clone(),
            verdicts: BTreeMap::new(),
            transitions: Vec::new(),
            unread,
            coverage: BTreeMap::new(),
        }
    }

    /// Adds what came of one invariant.
    pub(crate) fn add(&mut self, at: Stamp, settled: Settled) {
        let id = settled.verdict.meta.id.clone();
        self.change(&id, at, settled.changes);
        self.verdicts.insert(id, settled.verdict);
    }

    /// Adds what has changed for one invariant.
    pub(crate) fn change(
        &mut self,
        id: &str,
        at: Stamp,
        changes: impl IntoIterator<Item = Change>,
    ) {
        let transition = |change| Transition {
            invariant: id.to_owned(),
            at,
            change,
        };
        self.transitions.extend(changes.into_iter().map(transition));
    }

    /// Two invariants have one id, and one state: nothing of it can be trusted.
    pub(crate) fn twice(&mut self, id: &str) {
        self.error(id, "two invariants have this id; rename one");
    }

    /// Puts all in order, and says what was asked for and is not there.
    pub(crate) fn finish(&mut self, state: &State, only: &Only) {
        self.sequence = state.sequence();
        self.transitions
            .sort_by(|left, right| left.invariant.cmp(&right.invariant));
        if let Only::Ids(ids) = only {
            let unknown = ids.iter().filter(|id| !self.verdicts.contains_key(*id));
            for id in unknown.cloned().collect::<Vec<_>>() {
                self.error(
                    &id,
                    "there is no invariant of this id that can be judged alone",
                );
            }
        }
        let judged = self.verdicts.keys();
        let of = |id: &String| Some((id.clone(), state.standing(id)?.coverage().clone()));
        self.coverage = judged.filter_map(of).collect();
    }

    fn error(&mut self, id: &str, words: &str) {
        let cause = Cause::new(CauseKind::NotRun, words);
        let meta = self.verdicts.remove(id).map(|verdict| verdict.meta);
        let meta = meta.unwrap_or_else(|| nobody(id));
        let verdict = Verdict::new(meta, Outcome::Errored { cause });
        self.verdicts.insert(id.to_owned(), verdict);
    }
}

/// The words for an id that nobody knows.
fn nobody(id: &str) -> Meta {
    Meta {
        id: id.to_owned(),
        title: "No such invariant".to_owned(),
        tier: Tier::A,
        severity: Severity::Major,
        message: "{subject} was asked for and is not known.".to_owned(),
        runbook: "Look for the id in the rules.".to_owned(),
    }
}

fn not_read<'a>(
    snapshot: &'a Snapshot,
    cut: &'a Cut,
    again: bool,
) -> impl Iterator<Item = Unread> + 'a {
    cut.iter().flat_map(move |(facet, reading)| {
        let unread = move |subject: Option<&String>, cause: &Cause| Unread {
            facet: facet.clone(),
            source: snapshot.origins.get(facet).cloned(),
            subject: subject.cloned(),
            again,
            cause: cause.clone(),
        };
        let whole = reading.table().err().map(|cause| unread(None, cause));
        let gaps = reading.gaps().iter();
        whole
            .into_iter()
            .chain(gaps.map(move |(subject, cause)| unread(Some(subject), cause)))
    })
}
