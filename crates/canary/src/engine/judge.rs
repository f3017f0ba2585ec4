use std::collections::{BTreeMap, BTreeSet};

use crate::engine::epoch::{Due, due};
use crate::engine::look::{Look, Miss, look};
use crate::engine::settle::{Settled, settle};
use crate::engine::state::{Phase, Standing};
use crate::engine::{confirm, health, step, sustain};
use crate::{
    Cause, CauseKind, Finding, Invariant, Memory, Only, Options, Report, Snapshot, State, Verdict,
    View,
};

/// What comes of one cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cycle {
    /// What to tell people.
    pub report: Report,
    /// What to start the next cycle with.
    pub state: State,
}

/// Judges a snapshot: a pure function, and the same answer for the same arguments, in whichever order invariants and rows come.
///
/// It never fails. What is wrong with one invariant is its verdict, and the others go on.
pub fn judge(
    invariants: &[Invariant],
    options: &Options,
    snapshot: &Snapshot,
    state: &State,
    only: &Only,
) -> Cycle {
    let mut cycle = Cycle {
        report: Report::new(snapshot, options),
        state: state.clone(),
    };
    for invariant in invariants.iter().filter(|one| only.has(&one.meta.id)) {
        cycle.judge(invariant, options, snapshot);
    }
    if only.is_all() {
        cycle.drop_unknown(invariants, snapshot);
        health::judge(&mut cycle, invariants, options, snapshot);
    }
    cycle.report.finish(&cycle.state, only);
    cycle
}

/// What has to be read again before anything fires: the subjects in question of each facet that they were found by.
pub fn suspects(
    invariants: &[Invariant],
    snapshot: &Snapshot,
    state: &State,
    only: &Only,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut suspects: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let judged = invariants.iter().filter(|one| only.has(&one.meta.id));
    for invariant in judged.filter(|one| one.terms.reread) {
        let mut standing = state.standing(&invariant.meta.id).cloned();
        let standing = standing.get_or_insert_default();
        let found = first(invariant, snapshot, standing)
            .map_or_else(|_| BTreeSet::new(), |it| it.suspects());
        for facet in reads(invariant).iter().filter(|_| !found.is_empty()) {
            suspects
                .entry(facet.clone())
                .or_default()
                .extend(found.iter().cloned());
        }
    }
    suspects
}

impl Cycle {
    fn judge(&mut self, invariant: &Invariant, options: &Options, snapshot: &Snapshot) {
        let id = &invariant.meta.id;
        let mut standing = self.state.invariants.remove(id).unwrap_or_default();
        let settled = one(invariant, options, snapshot, &mut standing);
        self.state.invariants.insert(id.clone(), standing);
        if self.report.verdicts.contains_key(id) {
            return self.report.twice(id);
        }
        self.report.add(snapshot.taken(), settled);
    }

    /// Lets go of what the rules do not know any more, and says so where it was red.
    fn drop_unknown(&mut self, invariants: &[Invariant], snapshot: &Snapshot) {
        let mut known: BTreeMap<&str, BTreeSet<&str>> = health::kinds();
        for invariant in invariants {
            // A check that cannot even say its kinds is errored, and loses nothing by it.
            if let Ok(kinds) = guarded(|| invariant.kinds()) {
                let id = invariant.meta.id.as_str();
                known.entry(id).or_default().extend(kinds);
            }
        }
        let ids = invariants.iter().map(|one| one.meta.id.as_str());
        let all: BTreeSet<&str> = ids.chain(known.keys().copied()).collect();
        let at = snapshot.taken();
        for (id, standing) in &mut self.state.invariants {
            let lost = |kind: &str| {
                !known
                    .get(id.as_str())
                    .is_none_or(|kinds| kinds.contains(kind))
            };
            let (kept, gone) = std::mem::take(&mut standing.red)
                .into_iter()
                .partition(|(kind, _)| all.contains(id.as_str()) && !lost(kind));
            standing.red = kept;
            self.report.change(id, at, step::dropped(gone, at));
        }
        self.state
            .invariants
            .retain(|id, _| all.contains(id.as_str()));
    }
}

/// One invariant, with all that its terms ask for.
fn one(
    invariant: &Invariant,
    options: &Options,
    snapshot: &Snapshot,
    standing: &mut Standing,
) -> Settled {
    let now = snapshot.taken();
    let view = view(snapshot);
    let when = invariant.terms.when.as_ref();
    let before = standing.looked.replace(now);
    match when.map_or(Due::Now, |when| due(when, &view, &mut standing.epoch)) {
        Due::Now => {}
        Due::Not => return Settled::not_due(&invariant.meta, when, standing),
        Due::Missed(cause) => return Settled::missed(&invariant.meta, cause, standing),
        Due::Unjudged(cause) => {
            let missed = Err(Miss::Unjudged(cause));
            return settle(
                &invariant.meta,
                None,
                options,
                now,
                missed,
                Vec::new(),
                standing,
            );
        }
    }
    gap(standing, before, now, options);
    let mut looked = confirmed(invariant, snapshot, standing, options);
    let pending = looked
        .as_mut()
        .map_or_else(|_| Vec::new(), |look| hold(invariant, look, standing, now));
    let (meta, expect) = (&invariant.meta, invariant.terms.expect);
    let settled = settle(meta, expect, options, now, looked, pending, standing);
    if let Some(epoch) = &mut standing.epoch
        && is_done(&settled.verdict)
    {
        epoch.phase = Phase::Done;
    }
    settled
}

/// Whether an event needs no further look. Whoever was blind is looked at again, while it is time.
fn is_done(verdict: &Verdict) -> bool {
    verdict.is_judged() && verdict.blind.is_empty() && verdict.pending.is_empty()
}

/// After a time in which nobody looked, nothing has been there all the time.
fn gap(
    standing: &mut Standing,
    before: Option<crate::Stamp>,
    now: crate::Stamp,
    options: &Options,
) {
    let silence = before.map_or(0, |before| now.since(before));
    if silence < 0 || options.silence().is_some_and(|most| silence > most) {
        standing.pending.clear();
    }
}

/// The first look, and the second where one is asked for. What the check remembers is kept if it could look at all.
fn confirmed(
    invariant: &Invariant,
    snapshot: &Snapshot,
    standing: &mut Standing,
    options: &Options,
) -> Result<Look, Miss> {
    let before = invariant.terms.reread.then(|| standing.memory.clone());
    let mut looked = first(invariant, snapshot, standing)?;
    standing
        .memory
        .expire(snapshot.taken(), options.forget_after);
    match before {
        Some(memory) if !looked.findings.is_empty() => {
            let second = second(invariant, snapshot, standing, memory);
            looked = confirm::confirm(looked, second);
        }
        _ => {}
    }
    Ok(looked)
}

fn first(
    invariant: &Invariant,
    snapshot: &Snapshot,
    standing: &mut Standing,
) -> Result<Look, Miss> {
    let mut memory = standing.memory.clone();
    let looked = look(invariant, &view(snapshot), &reds(standing), &mut memory)?;
    standing.memory = memory;
    Ok(looked)
}

fn second(
    invariant: &Invariant,
    snapshot: &Snapshot,
    standing: &Standing,
    mut memory: Memory,
) -> Result<Look, Miss> {
    let unread = reads(invariant)
        .into_iter()
        .find(|facet| !snapshot.second().contains_key(facet));
    if let Some(facet) = unread {
        let words = format!("{facet} was not read again");
        return Err(Miss::Unjudged(Cause::new(CauseKind::NotRun, words)));
    }
    let view = View::new(snapshot.second(), snapshot.taken(), snapshot.boot());
    look(
        invariant,
        &view.over(snapshot.first()),
        &reds(standing),
        &mut memory,
    )
}

fn hold(
    invariant: &Invariant,
    look: &mut Look,
    standing: &mut Standing,
    now: crate::Stamp,
) -> Vec<Finding> {
    let Some(enough) = invariant.terms.sustained else {
        standing.pending.clear();
        return Vec::new();
    };
    let red = &standing.red;
    let known = |(kind, subject): &(String, String)| {
        red.get(kind)
            .is_some_and(|subjects| subjects.contains_key(subject))
    };
    sustain::sustain(look, &mut standing.pending, known, enough, now)
}

fn view(snapshot: &Snapshot) -> View<'_> {
    View::new(snapshot.first(), snapshot.taken(), snapshot.boot())
}

fn reds(standing: &Standing) -> BTreeSet<String> {
    standing
        .red()
        .map(|(_, subject, _)| subject.to_owned())
        .collect()
}

/// What a check compares; nothing if it goes down when asked, as it will when it judges.
fn reads(invariant: &Invariant) -> Vec<String> {
    let reads = guarded(|| {
        invariant
            .check
            .reads()
            .iter()
            .map(|&facet| facet.to_owned())
            .collect()
    });
    reads.unwrap_or_default()
}

fn guarded<T>(ask: impl FnOnce() -> T) -> Result<T, ()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask)).map_err(drop)
}
