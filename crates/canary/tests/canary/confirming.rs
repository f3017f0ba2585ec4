use std::collections::BTreeSet;

use runward_canary::{Cause, CauseKind, Snapshot};

use crate::harness::*;

const BAD: Line = ("x", "a", "found", "e1");
const WELL: Line = ("x", "a", "held", "e1");

fn world() -> World {
    World::new(terms(|terms| terms.reread = true))
}

#[test]
fn only_what_is_wrong_in_both_looks_fires() {
    assert_eq!(changes(&world().twice(0, &[BAD], &[BAD]), "X"), ["+a/x"]);
    assert_eq!(changes(&world().twice(0, &[BAD], &[WELL]), "X"), [""; 0]);
    assert_eq!(outcome(&world().twice(0, &[BAD], &[WELL]), "X"), "held 1");
    assert_eq!(
        changes(&world().twice(0, &[BAD], &[("x", "b", "found", "e1")]), "X"),
        [""; 0]
    );
}

#[test]
fn the_elements_are_those_of_both_looks() {
    let first = [BAD, ("x", "a", "found", "e2")];
    let second = [("x", "a", "found", "e2"), ("x", "a", "found", "e3")];
    let report = world().twice(0, &first, &second);
    let elements = &report.verdicts["X"].findings()[0].elements;
    assert_eq!(*elements, BTreeSet::from(["e2".to_owned()]));
    let others = world().twice(0, &[BAD], &[("x", "a", "found", "e9")]);
    assert_eq!(
        outcome(&others, "X"),
        "held 1",
        "a moment each, and nothing that lasted"
    );
    let bare = world().twice(0, &[("x", "a", "found", "")], &[("x", "a", "found", "")]);
    assert_eq!(
        outcome(&bare, "X"),
        "violated 1",
        "a finding without elements has none to differ in"
    );
}

#[test]
fn what_was_not_read_again_is_unjudged() {
    let jobs = || cut([("jobs", reading(0, &[BAD, ("y", "a", "held", "")]))]);
    let cause = Cause::new(CauseKind::Timeout, "too slow");
    let gap = reading(0, &[BAD]).with_gap("x", cause);
    for (second, why) in [
        (cut([]), "unjudged not-run"),
        (cut([("jobs", down(0))]), "unjudged unreachable"),
        (cut([("jobs", gap)]), "unjudged timeout"),
        (
            cut([("jobs", reading(0, &[("x", "a", "panic", "")]))]),
            "unjudged crashed",
        ),
        (
            cut([("jobs", reading(0, &[("x", "a", "blind", "")]))]),
            "unjudged malformed",
        ),
    ] {
        let mut world = world();
        let report = world.judge(&Snapshot::new(at(0), jobs()).with_second(second));
        assert_eq!(outcome(&report, "X"), why);
        assert_eq!(report.verdicts["X"].blind.keys().collect::<Vec<_>>(), ["x"]);
        assert!(!world.is_red());
    }
}

#[test]
fn a_red_key_that_is_doubtful_stays_and_one_that_is_well_closes() {
    let mut world = world();
    world.twice(0, &[BAD], &[BAD]);
    let doubtful = world.twice(1, &[BAD, ("y", "a", "held", "")], &[("y", "a", "held", "")]);
    assert_eq!(
        changes(&doubtful, "X"),
        [""; 0],
        "found, and then not to be seen"
    );
    assert_eq!(changes(&world.twice(2, &[BAD], &[WELL]), "X"), ["-a/x"]);
}

#[test]
fn suspects_are_the_subjects_that_were_found_and_nobody_else() {
    let well = ("y", "a", "held", "");
    let suspects = world().suspects(0, &[BAD, well]);
    assert_eq!(suspects.len(), 1);
    assert_eq!(suspects["jobs"], BTreeSet::from(["x".to_owned()]));
    assert!(world().suspects(0, &[well]).is_empty());
    assert!(
        World::new(terms(|_| {})).suspects(0, &[BAD]).is_empty(),
        "without `reread`"
    );
    assert!(world().suspects(0, &[("x", "a", "panic", "")]).is_empty());
}

#[test]
fn what_is_remembered_is_of_the_first_look() {
    let mut world = world();
    let dwell = ("x", "a", "dwell", "g1");
    world.says(0, &[dwell]);
    let report = world.twice(600, &[dwell], &[dwell]);
    assert_eq!(
        changes(&report, "X"),
        ["+a/x"],
        "both looks saw what was kept before either"
    );
}
