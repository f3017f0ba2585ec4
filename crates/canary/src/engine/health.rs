//! The invariants of the harness itself: one that is blind, late, or not alone looks like a clean fleet.

mod alone;
mod blind;
mod clock;
mod count;
mod fast;
mod overdue;
mod starved;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::look::{Look, Miss};
use crate::engine::settle::settle;
use crate::engine::state::{Harness, Standing};
use crate::{Change, Cycle, Fact, Facts, Finding, Invariant, Options, Outcome, Snapshot, Verdict};

/// What there is to judge the harness by.
struct Inputs<'a> {
    options: &'a Options,
    snapshot: &'a Snapshot,
    /// As the last full cycle left it.
    before: &'a Harness,
    /// With the counters of this one.
    now: &'a Harness,
    standings: &'a BTreeMap<String, Standing>,
    invariants: &'a [Invariant],
}

/// One invariant of the harness.
struct Own {
    id: &'static str,
    kinds: &'static [&'static str],
    look: fn(&Inputs<'_>) -> Result<Look, Miss>,
}

/// What the ids of these begin with, and of no others.
const OURS: &str = "canary.";

/// Whether an invariant is one by which the harness judges itself.
pub(crate) fn is_own(id: &str) -> bool {
    id.starts_with(OURS)
}

const RULES: &str = "canary.rules";

const ALL: [Own; 6] = [
    blind::OWN,
    clock::OWN,
    fast::OWN,
    overdue::OWN,
    starved::OWN,
    alone::OWN,
];

/// The kinds of each, by id.
pub(crate) fn kinds() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let of = |own: Own| (own.id, own.kinds.iter().copied().collect());
    let rules = (RULES, BTreeSet::new());
    ALL.into_iter().map(of).chain([rules]).collect()
}

/// Judges the harness, and keeps what the next cycle has to know of this one.
pub(crate) fn judge(
    cycle: &mut Cycle,
    invariants: &[Invariant],
    options: &Options,
    snapshot: &Snapshot,
) {
    let before = std::mem::take(&mut cycle.state.harness);
    let mut now = before.clone();
    now.count(&cycle.report.verdicts, snapshot);
    let inputs = Inputs {
        options,
        snapshot,
        before: &before,
        now: &now,
        standings: &cycle.state.invariants,
        invariants,
    };
    let looks = ALL.map(|own| (own.id, (own.look)(&inputs)));
    for (id, looked) in looks {
        let meta = words::meta(id);
        let mut standing = cycle.state.invariants.remove(id).unwrap_or_default();
        standing.looked = Some(snapshot.taken());
        let at = snapshot.taken();
        let settled = settle(&meta, None, options, at, looked, Vec::new(), &mut standing);
        cycle.state.invariants.insert(id.to_owned(), standing);
        cycle.report.add(at, settled);
    }
    rules(cycle, options, snapshot, &before);
    now.close(options, snapshot);
    cycle.state.harness = now;
}

/// Other rules than before are worth a word: what was judged by the old ones is not what is judged now.
fn rules(cycle: &mut Cycle, options: &Options, snapshot: &Snapshot, before: &Harness) {
    let verdict = Verdict::new(words::meta(RULES), Outcome::Held { examined: 1 });
    cycle.report.verdicts.insert(RULES.to_owned(), verdict);
    let (Some(old), Some(new)) = (&before.digest, &options.digest) else {
        return;
    };
    if old != new {
        let facts = [("before", Fact::id(old)), ("now", Fact::id(new))];
        let noted = Change::Noted {
            facts: named(facts),
        };
        cycle.report.change(RULES, snapshot.taken(), [noted]);
    }
}

fn named<const N: usize>(facts: [(&str, Fact); N]) -> Facts {
    let own = |(name, fact): (&str, Fact)| (name.to_owned(), fact);
    facts.into_iter().map(own).collect()
}

/// Whole seconds of so many microseconds, rounded down.
fn seconds(micros: i64) -> Fact {
    Fact::Secs(micros.div_euclid(1_000_000))
}

impl Look {
    /// One thing was looked at, and is or is not as it should be.
    fn one(&mut self, kind: &str, subject: &str, bad: bool, facts: Facts) {
        self.examined += 1;
        *self.arms.entry(kind.to_owned()).or_default() += 1;
        if bad {
            let mut finding = Finding::new(subject, kind);
            finding.facts = facts;
            let key = (kind.to_owned(), subject.to_owned());
            self.findings.insert(key, finding);
        } else {
            self.witnesses.insert(subject.to_owned(), facts);
        }
    }
}
