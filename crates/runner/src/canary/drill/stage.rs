//! Where a drill is judged: a state of its own, in memory, and nobody is told.
use std::collections::BTreeSet;
use std::fmt;

use runward_canary::engine::{Change, Outcome, Report, Transition, Verdict, Witness};
use runward_canary::rules::Drill;
use runward_canary::{Collector, Finding, Only, Options, Snapshot, State, judge, suspects};
use serde::Serialize;

use super::super::clock;
use super::super::setup::Setup;
use super::choose;
use crate::error::Result;

/// It was there before, and is not any more.
pub(super) const GONE: &str = "gone";

/// What is red.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) invariant: String,
    pub(super) kind: String,
    pub(super) subject: String,
}

/// As a bundle has it.
#[derive(Serialize)]
pub(super) struct Named<'a> {
    kind: String,
    subject: &'a str,
}

impl Key {
    pub(super) fn of(drill: &Drill) -> Self {
        Self {
            invariant: drill.invariant.clone(),
            kind: drill.kind.clone(),
            subject: drill.subject.clone(),
        }
    }

    fn new(invariant: &str, kind: &str, subject: &str) -> Self {
        Self {
            invariant: invariant.to_owned(),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
        }
    }

    pub(super) fn named(&self) -> Named<'_> {
        Named {
            kind: choose::kind(&self.invariant, &self.kind),
            subject: &self.subject,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.invariant, self.kind, self.subject)
    }
}

pub(super) struct Stage<'a> {
    setup: &'a Setup,
    collector: Collector,
    options: Options,
    state: State,
    /// What was red before anything was broken is nobody's matter here.
    before: BTreeSet<Key>,
    /// What was read when all was well, and whether the drill's invariant was judged by it.
    well: Option<(Snapshot, bool)>,
}

/// One look.
pub(super) struct Look {
    pub(super) snapshot: Snapshot,
    pub(super) report: Report,
}

impl<'a> Stage<'a> {
    pub(super) fn open(setup: &'a Setup) -> Result<Self> {
        Ok(Self {
            setup,
            collector: setup.collector()?,
            options: setup.options("drill"),
            state: State::default(),
            before: BTreeSet::new(),
            well: None,
        })
    }

    pub(super) fn look(&mut self) -> Look {
        let begun = clock::boottime();
        let snapshot = clock::mark(self.collector.collect(&clock::now), begun);
        let rules = self.setup.rules.invariants();
        let again = suspects(rules, &snapshot, &self.state, &Only::All);
        let snapshot = self.collector.again(snapshot, &again, &clock::now);
        let cycle = judge(rules, &self.options, &snapshot, &self.state, &Only::All);
        self.state = cycle.state;
        Look {
            snapshot,
            report: cycle.report,
        }
    }

    /// From here on, what is not red yet is not to turn red, but for the one.
    pub(super) fn is_well(&mut self, look: &Look, key: &Key) {
        self.before = self.red();
        let judged = look.verdict(key).is_some_and(Verdict::is_judged);
        self.well = Some((look.snapshot.clone(), judged));
    }

    /// All that is red of the rules' own invariants; what the harness says of itself follows from the drill.
    pub(super) fn red(&self) -> BTreeSet<Key> {
        let ids = self.setup.rules.invariants().iter();
        let standings = ids.filter_map(|one| {
            let id = one.meta().id.as_str();
            Some((id, self.state.standing(id)?))
        });
        let keys = standings.flat_map(|(id, standing)| {
            let red = standing.red();
            red.map(move |(kind, subject, _)| Key::new(id, kind, subject))
        });
        keys.collect()
    }

    /// Whether a change is that something turned red which was not before the drill.
    pub(super) fn opened(&self, change: &Transition) -> Option<Key> {
        let (Change::Opened(key) | Change::Joined(key)) = &change.change else {
            return None;
        };
        let ids = &mut self.setup.rules.invariants().iter();
        let own = ids.any(|one| one.meta().id == change.invariant);
        let key = Key::new(&change.invariant, &key.kind, &key.subject);
        (own && !self.before.contains(&key)).then_some(key)
    }

    /// Where a subject is gone: whether it was there when all was well, by the same look, asked what shows that the key is green.
    pub(super) fn gone(&self, red: &State, key: &Key) -> &'static str {
        let Some((well, judged)) = &self.well else {
            return GONE;
        };
        if !judged {
            return "gone, and not due before";
        }
        let rules = self.setup.rules.invariants();
        let only = Only::Ids(BTreeSet::from([key.invariant.clone()]));
        let then = judge(rules, &self.options, well, red, &only);
        match closed(&then.report, key) {
            Some(Witness::Gone { .. }) => "gone as before",
            _ => GONE,
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }
}

/// What shows that the key is green again, if it became so in this look.
pub(super) fn closed<'r>(report: &'r Report, key: &Key) -> Option<&'r Witness> {
    let changes = report.transitions.iter();
    changes
        .filter(|it| is_closed(it, key))
        .find_map(|it| match &it.change {
            Change::Closed { witness, .. } => Some(witness),
            _ => None,
        })
}

pub(super) fn is_closed(change: &Transition, key: &Key) -> bool {
    match &change.change {
        Change::Closed { key: closed, .. } => {
            *key == Key::new(&change.invariant, &closed.kind, &closed.subject)
        }
        _ => false,
    }
}

impl Look {
    pub(super) fn verdict(&self, key: &Key) -> Option<&Verdict> {
        self.report.verdicts.get(&key.invariant)
    }

    /// Whether the invariant is green for everybody; one that is judged after an event alone need not be due.
    pub(super) fn is_green(&self, key: &Key) -> bool {
        let outcome = self.verdict(key).map(|verdict| &verdict.outcome);
        matches!(outcome, Some(Outcome::Held { .. } | Outcome::NotDue))
    }

    /// What was found of the key in this look itself; what is red may be only remembered.
    pub(super) fn found(&self, key: &Key) -> Option<&Finding> {
        let outcome = &self.verdict(key)?.outcome;
        let Outcome::Violated { findings, .. } = outcome else {
            return None;
        };
        let mut findings = findings.iter();
        findings.find(|one| one.kind == key.kind && one.subject == key.subject)
    }

    /// Whether it is judged once after an event, and that was done: what was found stands until the next event.
    pub(super) fn is_not_due(&self, key: &Key) -> bool {
        let verdict = self.verdict(key);
        verdict.is_some_and(|it| it.outcome == Outcome::NotDue && it.blind.is_empty())
    }

    /// Why the invariant was not judged, if so.
    pub(super) fn unjudged(&self, key: &Key) -> Option<String> {
        let verdict = self.verdict(key)?;
        let blind = || verdict.blind.values().next();
        let cause = verdict.cause().or_else(blind)?;
        Some(cause.to_string())
    }
}
