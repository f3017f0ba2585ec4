use runward_canary::{Cause, CauseKind, Check, Invariant, Reading, Tally, View};

use crate::harness::*;

const WELL: Line = ("x", "a", "held", "");
const BAD: Line = ("x", "a", "found", "");

/// Compares two facets, and finds nothing.
struct Both;

impl Check for Both {
    fn needs(&self) -> Vec<&str> {
        vec!["jobs", "slots"]
    }

    fn kinds(&self) -> Vec<&str> {
        vec!["a"]
    }

    fn check(&self, _: &View<'_>, tally: &mut Tally<'_>) {
        tally.examined(1);
    }
}

#[test]
fn readings_may_lie_as_far_apart_as_is_said_and_no_further() {
    let spread = |micros| {
        let late = runward_canary::Stamp::from_micros(micros);
        let slots = Reading::ok(table(&[WELL]), at(1), late);
        cut([("jobs", reading(0, &[WELL])), ("slots", slots)])
    };
    let terms = terms(|terms| terms.max_skew = Some(secs(5)));
    let meta = invariant("X", terms.clone()).meta().clone();
    let mut world = World::of(vec![Invariant::new(meta, Both).with_terms(terms)]);
    for (micros, verdict) in [
        (4_999_999, "held 1"),
        (5_000_000, "held 1"),
        (5_000_001, "unjudged skew"),
    ] {
        assert_eq!(
            outcome(&world.read(9, spread(micros)), "X"),
            verdict,
            "{micros}"
        );
    }
}

#[test]
fn a_facet_that_nobody_asked_for_is_not_empty() {
    let mut world = World::new(terms(|_| {}));
    assert_eq!(outcome(&world.read(0, cut([])), "X"), "unjudged not-run");
}

#[test]
fn a_gap_hides_one_subject_and_the_others_are_judged() {
    let mut world = World::new(terms(|_| {}));
    let two = [WELL, ("y", "a", "found", "")];
    let gap = |lines: &[Line], subject| {
        reading(1, lines).with_gap(subject, Cause::new(CauseKind::Timeout, "slow"))
    };
    let report = world.read(0, cut([("jobs", gap(&two, "x"))]));
    assert_eq!(outcome(&report, "X"), "violated 1");
    assert_eq!(changes(&report, "X"), ["+a/y"]);
    let report = world.read(1, cut([("jobs", gap(&two, "y"))]));
    assert_eq!(
        outcome(&report, "X"),
        "unjudged timeout",
        "what was found of it counts for nothing"
    );
    assert_eq!(report.verdicts["X"].red, 1, "and nothing closes");
    let well = [("y", "a", "held", "")];
    let report = world.read(2, cut([("jobs", gap(&well, "y"))]));
    assert_eq!(changes(&report, "X"), ["?3"], "neither does what was held");
    let report = world.read(3, cut([("jobs", gap(&[WELL], "z"))]));
    assert_eq!(changes(&report, "X"), ["-a/y"]);
}

#[test]
fn a_check_that_goes_down_takes_nothing_with_it() {
    let mut world = World::of(vec![
        on("X", "jobs", terms(|_| {})),
        on("Y", "slots", terms(|_| {})),
    ]);
    let slots = || ("slots", reading(0, &[BAD]));
    world.read(0, cut([("jobs", reading(0, &[BAD])), slots()]));
    let report = world.read(
        1,
        cut([("jobs", reading(1, &[("x", "a", "panic", "")])), slots()]),
    );
    assert_eq!(outcome(&report, "X"), "errored crashed");
    assert!(
        report.verdicts["X"]
            .cause()
            .unwrap()
            .detail()
            .contains("the script says so")
    );
    assert_eq!(outcome(&report, "Y"), "violated 1");
    assert_eq!(report.verdicts["X"].red, 1);
}

#[test]
fn unjudged_takes_back_what_was_found_before() {
    let mut world = World::new(terms(|_| {}));
    let report = world.says(0, &[BAD, ("y", "a", "unjudged", "")]);
    assert_eq!(outcome(&report, "X"), "unjudged malformed");
    assert!(!world.is_red());
}

#[test]
fn a_blind_subject_makes_no_green() {
    let mut world = World::new(terms(|_| {}));
    let report = world.says(0, &[WELL, ("y", "a", "blind", "")]);
    assert_eq!(outcome(&report, "X"), "unjudged malformed");
    world.says(1, &[BAD, ("y", "a", "blind", "")]);
    let report = world.says(2, &[WELL, ("y", "a", "blind", "")]);
    assert_eq!(
        changes(&report, "X"),
        ["-a/x", "?3"],
        "those that can be judged are"
    );
}
