use runward_canary::engine::{diff, replay};
use runward_canary::{Expect, Options, Snapshot};

use crate::harness::*;

const BAD: Line = ("x", "a", "found", "");

fn series() -> Vec<Snapshot> {
    let lines: [&[Line]; 3] = [&[BAD], &[], &[BAD, ("y", "b", "found", "")]];
    let stamped = lines.into_iter().zip(0..);
    stamped
        .map(|(lines, seconds)| {
            Snapshot::new(at(seconds), cut([("jobs", reading(seconds, lines))]))
        })
        .collect()
}

#[test]
fn a_series_is_judged_as_it_was_live() {
    let mut world = World::new(terms(|_| {}));
    let live: Vec<_> = series()
        .iter()
        .map(|snapshot| world.judge(snapshot))
        .collect();
    let again: Vec<_> = replay(&world.invariants, &Options::default(), series()).collect();
    assert_eq!(again, live);
}

#[test]
fn two_rule_sets_differ_where_they_say_something_else() {
    let options = Options::default();
    let judged = |invariants: &[runward_canary::Invariant]| -> Vec<_> {
        replay(invariants, &options, series()).collect()
    };
    let expect = Expect {
        examined_at_least: 1,
        within_cycles: 1,
    };
    let old = judged(&[invariant("X", terms(|_| {}))]);
    let same = judged(&[invariant("X", terms(|_| {}))]);
    assert_eq!(diff(old.clone(), same).count(), 0);
    let new = judged(&[
        invariant(
            "X",
            terms(|terms| {
                terms.reread = true;
                terms.expect = Some(expect);
            }),
        ),
        invariant("Z", terms(|_| {})),
    ]);
    let differences: Vec<_> = diff(old, new).collect();
    let key =
        |id: &str, kind: &str, subject: &str| (id.to_owned(), kind.to_owned(), subject.to_owned());
    assert_eq!(differences.len(), 3);
    assert_eq!(differences[0].vanished, [key("X", "a", "x")].into());
    assert_eq!(
        differences[0].unjudged,
        ["X".to_owned()].into(),
        "there was no second look then"
    );
    assert_eq!(differences[0].appeared, [key("Z", "a", "x")].into());
    assert_eq!(differences[1].judged, ["Z".to_owned()].into());
    assert_eq!(differences[2].vanished.len(), 2);
}
