use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Invariant, Only, Options, Report, Snapshot, Stamp, State, judge};

/// Judges snapshots one after the other, as if they were taken now: today's rules on last month's.
///
/// They are taken in the order in which they come; one that is older than the one before is a clock that went back.
pub fn replay<'a>(
    invariants: &'a [Invariant],
    options: &'a Options,
    snapshots: impl IntoIterator<Item = Snapshot> + 'a,
) -> impl Iterator<Item = Report> + 'a {
    let mut state = State::default();
    snapshots.into_iter().map(move |snapshot| {
        let cycle = judge(invariants, options, &snapshot, &state, &Only::All);
        state = cycle.state;
        cycle.report
    })
}

/// What one rule set says of a snapshot and another does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Difference {
    /// When the snapshot was taken.
    pub taken: Stamp,
    /// The findings (invariant, kind, subject) of the second alone.
    pub appeared: BTreeSet<(String, String, String)>,
    /// The findings of the first alone.
    pub vanished: BTreeSet<(String, String, String)>,
    /// The invariants that the first could judge and the second cannot, or does not know.
    pub unjudged: BTreeSet<String>,
    /// The invariants that the second can judge and the first could not, or did not know.
    pub judged: BTreeSet<String>,
}

/// Compares what two rule sets say of the same snapshots. Where they say the same, there is no difference in the list.
pub fn diff(
    first: impl IntoIterator<Item = Report>,
    second: impl IntoIterator<Item = Report>,
) -> impl Iterator<Item = Difference> {
    let pairs = first.into_iter().zip(second);
    pairs
        .map(|(first, second)| Difference::of(&first, &second))
        .filter(|difference| !difference.is_empty())
}

impl Difference {
    fn of(first: &Report, second: &Report) -> Self {
        let (old, new) = (findings(first), findings(second));
        let (could, can) = (judged(first), judged(second));
        Self {
            taken: second.taken,
            appeared: new.difference(&old).cloned().collect(),
            vanished: old.difference(&new).cloned().collect(),
            unjudged: could.difference(&can).cloned().collect(),
            judged: can.difference(&could).cloned().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.appeared.is_empty()
            && self.vanished.is_empty()
            && self.unjudged.is_empty()
            && self.judged.is_empty()
    }
}

fn findings(report: &Report) -> BTreeSet<(String, String, String)> {
    let verdicts = report.verdicts.iter();
    let keys = verdicts.flat_map(|(id, verdict)| {
        let of = move |finding: &crate::Finding| {
            (id.clone(), finding.kind.clone(), finding.subject.clone())
        };
        verdict.findings().iter().map(of)
    });
    keys.collect()
}

fn judged(report: &Report) -> BTreeSet<String> {
    let judged = report
        .verdicts
        .iter()
        .filter(|(_, verdict)| verdict.is_judged());
    judged.map(|(id, _)| id.clone()).collect()
}
