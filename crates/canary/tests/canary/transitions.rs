use runward_canary::engine::{Change, Witness};
use runward_canary::{Cause, CauseKind, Expect, Only, Options, Snapshot, judge};

use crate::harness::*;

const BAD: Line = ("x", "a", "found", "");
const GOOD: Line = ("x", "a", "held", "e1");

#[test]
fn one_episode_opens_once_others_join_and_each_closes_by_itself() {
    let mut world = World::new(terms(|_| {}));
    let other = ("y", "a", "found", "");
    assert_eq!(changes(&world.says(0, &[GOOD]), "X"), [""; 0]);
    assert_eq!(changes(&world.says(1, &[BAD]), "X"), ["+a/x"]);
    assert_eq!(changes(&world.says(2, &[BAD]), "X"), [""; 0]);
    assert_eq!(changes(&world.says(3, &[BAD, other]), "X"), ["&a/y"]);
    let report = world.says(61, &[GOOD, other]);
    assert_eq!(changes(&report, "X"), ["-a/x"]);
    let Change::Closed {
        held_for_secs,
        witness,
        over,
        ..
    } = &report.transitions[0].change
    else {
        panic!("{report:?}");
    };
    assert_eq!((*held_for_secs, *over), (60, false));
    assert!(matches!(witness, Witness::Held(facts) if facts.len() == 1));
    let well = [GOOD, ("y", "a", "held", "")];
    assert_eq!(changes(&world.says(62, &well), "X"), ["-a/y"]);
    assert_eq!(
        changes(&world.says(63, &[BAD]), "X"),
        ["+a/x"],
        "a new episode"
    );
}

#[test]
fn several_at_once_are_one_opening() {
    let mut world = World::new(terms(|_| {}));
    let report = world.says(0, &[("y", "a", "found", ""), ("x", "b", "found", ""), BAD]);
    assert_eq!(changes(&report, "X"), ["+a/x", "&a/y", "&b/x"]);
}

#[test]
fn a_key_that_takes_over_as_another_closes_is_no_new_episode() {
    let mut world = World::new(terms(|_| {}));
    world.says(0, &[BAD]);
    let report = world.says(1, &[GOOD, ("y", "a", "found", "")]);
    assert_eq!(changes(&report, "X"), ["&a/y", "-a/x"]);
}

#[test]
fn what_gets_worse_is_told_once() {
    let mut world = World::new(terms(|_| {}));
    let minor = ("x", "a", "minor", "");
    assert_eq!(changes(&world.says(0, &[minor]), "X"), ["+a/x"]);
    assert_eq!(changes(&world.says(1, &[BAD]), "X"), ["^a/x"]);
    assert_eq!(changes(&world.says(2, &[minor]), "X"), [""; 0]);
    assert_eq!(
        changes(&world.says(3, &[BAD]), "X"),
        [""; 0],
        "it has been that bad before"
    );
}

#[test]
fn an_outage_neither_opens_nor_closes() {
    let mut world = World::new(terms(|_| {}));
    for (seconds, red) in [(0, false), (10, true)] {
        if red {
            world.says(seconds, &[BAD]);
        }
        let report = world.read(seconds + 1, cut([("jobs", down(seconds + 1))]));
        assert_eq!(outcome(&report, "X"), "unjudged unreachable");
        assert_eq!(changes(&report, "X"), [""; 0]);
        assert_eq!(report.verdicts["X"].red, u64::from(red));
    }
}

#[test]
fn stale_is_told_once_and_again_after_recovery() {
    let mut world = World::new(terms(|_| {}));
    let mut told = Vec::new();
    for seconds in 0..12 {
        let report = match seconds {
            6 => world.says(seconds, &[GOOD]),
            _ => world.read(seconds, cut([("jobs", down(seconds))])),
        };
        let said = changes(&report, "X")
            .into_iter()
            .map(|what| (seconds, what));
        told.extend(said);
    }
    assert_eq!(told, [(2, "?3".to_owned()), (9, "?3".to_owned())]);
}

#[test]
fn a_subject_that_stays_blind_is_stale_also_beside_a_red_one() {
    let mut world = World::new(terms(|_| {}));
    let lines = [BAD, ("y", "a", "blind", "")];
    let told: Vec<_> = (0..4)
        .map(|seconds| changes(&world.says(seconds, &lines), "X"))
        .collect();
    assert_eq!(told, [vec!["+a/x"], vec![], vec!["?3"], vec![]]);
}

#[test]
fn readings_that_are_all_empty_close_nothing() {
    let mut world = World::new(terms(|_| {}));
    world.says(0, &[BAD]);
    let report = world.says(1, &[]);
    assert_eq!(outcome(&report, "X"), "held 0");
    assert!(report.verdicts["X"].is_vacuous());
    assert_eq!(
        report.verdicts["X"].red, 1,
        "held over nothing, and still red"
    );
    assert_eq!(changes(&report, "X"), [""; 0]);
}

#[test]
fn gone_needs_somebody_who_is_there() {
    let among = || terms(|terms| terms.among = Some("roster".to_owned()));
    let roster = |lines: &[Line]| ("roster", reading(1, lines));
    let jobs = |lines: &[Line]| ("jobs", reading(1, lines));
    let other = ("y", "a", "held", "");
    for (after, closes) in [
        (cut([jobs(&[]), roster(&[GOOD])]), true),
        (cut([jobs(&[]), roster(&[])]), false),
        (cut([jobs(&[]), ("roster", down(1))]), false),
        (cut([jobs(&[])]), false),
        // Others are there, and the facet that is to show it has none.
        (cut([jobs(&[other]), roster(&[])]), false),
    ] {
        let mut world = World::new(among());
        world.says(0, &[BAD]);
        let report = world.read(1, after);
        assert_eq!(world.is_red(), !closes, "{report:?}");
        if let [closed] = report.transitions.as_slice() {
            let Change::Closed {
                witness: Witness::Gone { among, rows },
                ..
            } = &closed.change
            else {
                panic!("{closed:?}");
            };
            assert_eq!((among.as_str(), *rows), ("roster", 1));
        }
    }
}

#[test]
fn without_among_the_rows_of_others_show_that_one_is_gone() {
    let mut world = World::new(terms(|_| {}));
    world.says(0, &[BAD]);
    let report = world.says(1, &[("y", "a", "held", "")]);
    assert_eq!(changes(&report, "X"), ["-a/x"]);
}

#[test]
fn another_kind_of_the_same_subject_shows_nothing() {
    let mut world = World::new(terms(|_| {}));
    world.says(0, &[BAD]);
    let other = ("x", "b", "found", "");
    assert_eq!(changes(&world.says(1, &[other]), "X"), ["&b/x"]);
    assert_eq!(
        changes(&world.says(2, &[other, GOOD]), "X"),
        ["-a/x"],
        "this does"
    );
}

#[test]
fn what_the_rules_do_not_know_any_more_is_dropped_and_said() {
    let mut world = World::new(terms(|_| {}));
    world.says(0, &[BAD]);
    world.invariants.clear();
    assert_eq!(changes(&world.says(9, &[]), "X"), ["!a/x"]);
    assert!(world.state.standing("X").is_none());
}

#[test]
fn a_filtered_cycle_touches_nothing_else() {
    let mut world = World::of(vec![
        invariant("X", terms(|_| {})),
        invariant("Y", terms(|_| {})),
    ]);
    world.says(0, &[GOOD]);
    let snapshot = Snapshot::new(at(1), cut([("jobs", reading(1, &[BAD]))]));
    let only = Only::Ids(["Y".to_owned(), "Z".to_owned(), "canary.blind".to_owned()].into());
    let options = Options::default();
    let cycle = judge(&world.invariants, &options, &snapshot, &world.state, &only);
    assert_eq!(cycle.state.standing("X"), world.state.standing("X"));
    assert_eq!(cycle.state.sequence(), world.state.sequence());
    assert_eq!(changes(&cycle.report, "Y"), ["+a/x"]);
    let judged: Vec<_> = cycle.report.verdicts.keys().map(String::as_str).collect();
    assert_eq!(
        judged,
        ["Y", "Z", "canary.blind"],
        "an empty answer would look green"
    );
    for id in ["Z", "canary.blind"] {
        assert_eq!(outcome(&cycle.report, id), "errored not-run");
    }
}

#[test]
fn two_invariants_of_one_id_are_an_error() {
    let mut world = World::of(vec![
        invariant("X", terms(|_| {})),
        invariant("X", terms(|_| {})),
    ]);
    assert_eq!(outcome(&world.says(0, &[GOOD]), "X"), "errored not-run");
}

#[test]
fn coverage_counts_what_was_looked_at() {
    let mut world = World::new(terms(|_| {}));
    world.says(0, &[GOOD]);
    world.says(1, &[]);
    world.read(2, cut([("jobs", down(2))]));
    let report = world.says(3, &[("x", "b", "found", "")]);
    let coverage = &report.coverage["X"];
    assert_eq!(
        (coverage.cycles, coverage.judged, coverage.examined),
        (4, 3, 2)
    );
    assert_eq!(
        coverage
            .arms
            .iter()
            .map(|(kind, count)| (kind.as_str(), *count))
            .collect::<Vec<_>>(),
        [("a", 1), ("b", 1)]
    );
}

#[test]
fn what_could_not_be_read_is_said() {
    let mut world = World::new(terms(|_| {}));
    let cause = Cause::new(CauseKind::Denied, "no right");
    let jobs = reading(0, &[GOOD]).with_gap("y", cause);
    let report = world.read(0, cut([("jobs", jobs), ("slots", down(0))]));
    let unread: Vec<_> = report
        .unread
        .iter()
        .map(|one| (one.facet.as_str(), one.subject.as_deref(), one.cause.kind()))
        .collect();
    assert_eq!(
        unread,
        [
            ("jobs", Some("y"), CauseKind::Denied),
            ("slots", None, CauseKind::Unreachable)
        ]
    );
}

#[test]
fn an_invariant_that_starves_is_reported_at_its_cycle_and_not_before() {
    let expect = Expect {
        examined_at_least: 2,
        within_cycles: 3,
    };
    let mut world = World::new(terms(|terms| terms.expect = Some(expect)));
    let two = [GOOD, ("y", "a", "held", "")];
    let mut seen = Vec::new();
    for (seconds, lines) in [
        (0, &[GOOD][..]),
        (1, &[]),
        (2, &[GOOD]),
        (3, &two),
        (4, &[GOOD]),
    ] {
        seen.push(changes(&world.says(seconds, lines), "canary.starved").join(" "));
    }
    assert_eq!(seen, ["", "", "+starved/X", "-starved/X", ""]);
}
