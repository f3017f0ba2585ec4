//! Which drills were asked for: by name, by invariant, by kind.
use std::collections::BTreeSet;

use runward_canary::rules::Drill;
use runward_canary::{Invariant, Rules};

use super::super::args::DrillArgs;
use crate::error::{Error, Result};

/// The drills in the order of the rules; each once, however often it was asked for.
pub(super) fn chosen<'a>(args: &DrillArgs, rules: &'a Rules) -> Result<Vec<&'a Drill>> {
    if args.all || (args.list && args.what.is_empty()) {
        return Ok(rules.drills().iter().collect());
    }
    if args.what.is_empty() {
        let known = known(rules);
        return Err(Error::usage(format!("name drills, or say --all; {known}")));
    }
    let mut wanted = BTreeSet::new();
    for word in &args.what {
        wanted.extend(meant(word, rules)?);
    }
    let drills = rules.drills().iter();
    Ok(drills
        .filter(|drill| wanted.contains(&*drill.name))
        .collect())
}

/// What one word means: a drill, else the drills of an invariant, else those of a kind.
fn meant<'a>(word: &str, rules: &'a Rules) -> Result<Vec<&'a str>> {
    let of = |fits: &dyn Fn(&Drill) -> bool| {
        let drills = rules.drills().iter().filter(|drill| fits(drill));
        drills.map(|drill| &*drill.name).collect::<Vec<_>>()
    };
    let meanings: [&dyn Fn(&Drill) -> bool; 4] = [
        &|drill| drill.name == word,
        &|drill| drill.invariant == word,
        &|drill| kind(&drill.invariant, &drill.kind) == word,
        &|drill| drill.kind == word,
    ];
    let found = meanings.into_iter().map(of).find(|found| !found.is_empty());
    found.ok_or_else(|| Error::usage(unknown(word, rules)))
}

fn unknown(word: &str, rules: &Rules) -> String {
    let all = rules.invariants().iter();
    let named = all.clone().any(|one| one.meta().id == word);
    let kinds = || all.flat_map(|one| one.kinds()).any(|kind| kind == word);
    match named || kinds() {
        true => format!("{word} has no drill; {}", known(rules)),
        false => format!(
            "no drill, invariant or kind is called {word}; {}",
            known(rules)
        ),
    }
}

fn known(rules: &Rules) -> String {
    let names: Vec<&str> = rules.drills().iter().map(|drill| &*drill.name).collect();
    match names.is_empty() {
        true => "the rules have no drills".to_owned(),
        false => format!("the rules have {}", names.join(", ")),
    }
}

/// An invariant and one of its kinds, as one word.
pub(super) fn kind(invariant: &str, kind: &str) -> String {
    format!("{invariant}/{kind}")
}

/// All kinds that the rules can find.
pub(super) fn kinds(rules: &Rules) -> Vec<String> {
    let of = |one: &Invariant| {
        let id = one.meta().id.clone();
        let kinds = one.kinds().into_iter();
        kinds.map(|name| kind(&id, name)).collect::<Vec<_>>()
    };
    rules.invariants().iter().flat_map(of).collect()
}

/// The kinds that nobody has ever seen red.
pub(super) fn missing(rules: &Rules) -> Vec<String> {
    let drilled = |one: &String| {
        let mut drills = rules.drills().iter();
        drills.any(|drill| kind(&drill.invariant, &drill.kind) == *one)
    };
    let all = kinds(rules).into_iter();
    all.filter(|one| !drilled(one)).collect()
}
