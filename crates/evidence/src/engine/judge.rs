//! What each rule finds, and what becomes of it when the rules it builds on do not hold.

use std::collections::HashMap;

use super::found::{Failed, Held};
use super::load::{Bundle, Presence};
use crate::outcome::FailureKind;
use crate::spec::check::Check;
use crate::{Spec, Terms};

/// What becomes of a rule before waivers are looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    Held(Held),
    Failed(Failed),
    /// The rule at the root of it.
    Blocked(u32),
}

/// The states of all rules, by number.
pub(super) fn all(spec: &Spec, bundle: &Bundle, terms: &Terms) -> Vec<State> {
    settle(spec, bundle, terms, |rule| {
        super::examine(spec, rule, bundle)
    })
}

/// Asks each rule that nothing blocks, prerequisites first.
pub(crate) fn settle(
    spec: &Spec,
    bundle: &Bundle,
    terms: &Terms,
    mut ask: impl FnMut(u32) -> Result<Held, Failed>,
) -> Vec<State> {
    let mut states: Vec<State> = vec![State::Blocked(0); spec.rules().len()];
    for number in spec.order() {
        let blocker = spec
            .rule(*number)
            .after
            .iter()
            .find_map(|before| blocks(*before, spec, bundle, terms, &states));
        states[*number as usize] = match blocker {
            Some(root) => State::Blocked(root),
            None => ask(*number).map_or_else(State::Failed, State::Held),
        };
    }
    block_the_empty(spec, &mut states);
    states
}

/// The root of what keeps a rule behind this one from saying anything.
fn blocks(
    before: u32,
    spec: &Spec,
    bundle: &Bundle,
    terms: &Terms,
    states: &[State],
) -> Option<u32> {
    let check = &spec.rule(before).check;
    match (&states[before as usize], check) {
        (State::Blocked(root), _) => Some(*root),
        (State::Failed(_), Check::Present(_) | Check::Parse(_)) => Some(before),
        // A waiver excuses one rule, and must not silence those behind it.
        (State::Failed(_), _) => (!spec.is_waived(before, terms)).then_some(before),
        // An optional artifact that is not there holds nothing back but what reads it.
        (State::Held(_), Check::Present(at)) if is_absent(bundle, *at) => Some(before),
        (State::Held(_), _) => None,
    }
}

fn is_absent(bundle: &Bundle, artifact: u32) -> bool {
    bundle.loaded[artifact as usize].present == Ok(Presence::Absent)
}

/// A collection that is found empty is news only if the rule that counts it holds: else it is blocked by that one.
fn block_the_empty(spec: &Spec, states: &mut [State]) {
    let mut counters: HashMap<String, u32> = HashMap::new();
    for (number, rule) in (0..).zip(spec.rules()) {
        let root = match &states[number as usize] {
            State::Held(_) => continue,
            State::Failed(_) => number,
            State::Blocked(root) => *root,
        };
        for selector in rule.check.counted() {
            counters.entry(selector.to_string()).or_insert(root);
        }
    }
    let mut moved = HashMap::new();
    for (number, rule) in (0..).zip(spec.rules()) {
        let State::Failed(failed) = &states[number as usize] else {
            continue;
        };
        if failed.kind != FailureKind::NothingExamined {
            continue;
        }
        let selectors = rule.check.selectors();
        let blocker = selectors
            .iter()
            .find_map(|at| counters.get(&at.to_string()));
        if let Some(root) = blocker.filter(|root| **root != number) {
            moved.insert(number, *root);
        }
    }
    for (number, state) in (0..).zip(states) {
        match state {
            State::Failed(_) if moved.contains_key(&number) => {
                *state = State::Blocked(moved[&number])
            }
            State::Blocked(root) => *root = moved.get(root).copied().unwrap_or(*root),
            _ => {}
        }
    }
}
