use runward_canary::{Column, Cut, Kind, Reading, Table, Value, When};

use crate::harness::*;

const BAD: Line = ("x", "a", "found", "");
const WELL: Line = ("x", "a", "held", "");

fn world() -> World {
    World::new(terms(|terms| {
        let (delay, within) = (secs(15), secs(300));
        terms.when = Some(When {
            facet: "restart".to_owned(),
            delay,
            within,
        });
    }))
}

fn events(seconds: i64, events: &[(&str, Option<i64>)]) -> Reading {
    let columns = [
        Column::new("id", Kind::Text),
        Column::new("born", Kind::Time),
    ];
    let mut table = Table::new(columns);
    for (id, born) in events {
        let born = born.map_or(Value::Null, |born| Value::Time(at(born)));
        table.push([Value::text(*id), born]);
    }
    Reading::ok(table, at(seconds), at(seconds))
}

fn after(seconds: i64, id: &str, born: i64, lines: &[Line]) -> Cut {
    cut([
        ("jobs", reading(seconds, lines)),
        ("restart", events(seconds, &[(id, Some(born))])),
    ])
}

#[test]
fn once_after_each_event_and_not_before_its_delay() {
    let mut world = world();
    let cycles = [
        (100_014, "b1", 100_000, "not due"),
        (100_015, "b1", 100_000, "violated 1"),
        (100_016, "b1", 100_000, "not due"),
        (100_900, "b1", 100_000, "not due"),
        (200_000, "b2", 199_999, "not due"),
        (200_014, "b2", 199_999, "violated 1"),
    ];
    for (seconds, id, born, verdict) in cycles {
        let report = world.read(seconds, after(seconds, id, born, &[BAD]));
        assert_eq!(outcome(&report, "X"), verdict, "{seconds}");
    }
}

#[test]
fn what_is_red_stays_until_the_next_event_shows_that_it_is_well() {
    let mut world = world();
    world.read(20, after(20, "b1", 0, &[BAD]));
    let report = world.read(60, after(60, "b1", 0, &[WELL]));
    assert_eq!(
        (outcome(&report, "X").as_str(), report.verdicts["X"].red),
        ("not due", 1)
    );
    let report = world.read(120, after(120, "b2", 100, &[WELL]));
    assert_eq!(changes(&report, "X"), ["-a/x"]);
}

#[test]
fn what_could_not_be_judged_is_tried_again_while_it_is_time() {
    let mut world = world();
    let blind = |seconds: i64| {
        cut([
            ("jobs", down(seconds)),
            ("restart", events(seconds, &[("b1", Some(0))])),
        ])
    };
    assert_eq!(
        outcome(&world.read(20, blind(20)), "X"),
        "unjudged unreachable"
    );
    assert_eq!(
        outcome(&world.read(300, after(300, "b1", 0, &[WELL])), "X"),
        "held 1",
        "the last moment"
    );
    let mut world = self::world();
    world.read(20, blind(20));
    let told = world.read(301, after(301, "b1", 0, &[WELL]));
    assert_eq!(
        (outcome(&told, "X").as_str(), changes(&told, "X")),
        ("unjudged stale", vec!["?2".to_owned()]),
        "too late to say anything"
    );
    let later = world.read(302, after(302, "b1", 0, &[WELL]));
    assert_eq!(
        (outcome(&later, "X").as_str(), changes(&later, "X").len()),
        ("not due", 0),
        "which is told once"
    );
    assert!(
        later.verdicts["X"].blind.contains_key("(event)"),
        "and shown until the next"
    );
    assert_eq!(
        outcome(&world.read(420, after(420, "b2", 400, &[WELL])), "X"),
        "held 1"
    );
}

#[test]
fn an_event_from_before_anybody_watched_is_nobodys() {
    let mut world = world();
    assert_eq!(
        outcome(&world.read(301, after(301, "b1", 0, &[BAD])), "X"),
        "not due"
    );
    let late = world.read(1000, after(1000, "b2", 600, &[BAD]));
    assert_eq!(
        outcome(&late, "X"),
        "unjudged stale",
        "one that happened meanwhile was missed"
    );
}

#[test]
fn an_event_without_an_instant_counts_from_when_it_was_seen() {
    let mut world = world();
    let seen = |seconds: i64| {
        cut([
            ("jobs", reading(seconds, &[WELL])),
            ("restart", events(seconds, &[("b1", None)])),
        ])
    };
    assert_eq!(outcome(&world.read(1000, seen(1000)), "X"), "not due");
    assert_eq!(outcome(&world.read(1015, seen(1015)), "X"), "held 1");
    let mut world = self::world();
    world.read(1000, after(1000, "b1", 9_999_999, &[WELL]));
    assert_eq!(
        outcome(
            &world.read(1015, after(1015, "b1", 9_999_999, &[WELL])),
            "X"
        ),
        "held 1",
        "nor from a future"
    );
}

#[test]
fn a_facet_that_tells_no_event_says_nothing() {
    for (restart, why) in [
        (events(0, &[]), "unjudged empty"),
        (
            events(0, &[("b1", None), ("b2", None)]),
            "unjudged malformed",
        ),
        (down(0), "unjudged unreachable"),
    ] {
        let report = world().read(
            0,
            cut([("jobs", reading(0, &[WELL])), ("restart", restart)]),
        );
        assert_eq!(outcome(&report, "X"), why);
    }
    assert_eq!(
        outcome(&world().read(0, cut([("jobs", reading(0, &[WELL]))])), "X"),
        "unjudged not-run"
    );
}

#[test]
fn what_is_red_does_not_end_the_look_for_those_who_were_not_seen() {
    let mut world = world();
    let blind = ("y", "a", "blind", "");
    let first = world.read(20, after(20, "b1", 0, &[BAD, blind]));
    assert_eq!(changes(&first, "X"), ["+a/x"]);
    let later = world.read(40, after(40, "b1", 0, &[BAD, ("y", "a", "found", "")]));
    assert_eq!(changes(&later, "X"), ["&a/y"]);
    let done = world.read(60, after(60, "b1", 0, &[WELL]));
    assert_eq!(outcome(&done, "X"), "not due");
}

#[test]
fn an_event_that_the_next_overtakes_is_told_until_one_is_judged() {
    let mut world = world();
    let born = |n: i64| 100_000 + n * 10;
    for n in 0..6 {
        let seconds = born(n) + 1;
        let id = format!("b{n}");
        let report = world.read(seconds, after(seconds, &id, born(n), &[BAD]));
        let says = if n == 0 { "not due" } else { "unjudged stale" };
        assert_eq!(outcome(&report, "X"), says, "{n}");
        let told = changes(&report, "X");
        assert_eq!(told == ["?3"], n == 3, "{n} {told:?}");
        assert_eq!(
            health(&report, "canary.blind").contains(&"X"),
            n >= 3,
            "{n}"
        );
    }
    let seconds = born(5) + 15;
    let report = world.read(seconds, after(seconds, "b5", born(5), &[WELL]));
    assert_eq!(outcome(&report, "X"), "held 1", "the last is judged");
    assert!(health(&report, "canary.blind").is_empty());
    let next = world.read(200_000, after(200_000, "b6", 199_990, &[WELL]));
    assert_eq!(
        outcome(&next, "X"),
        "not due",
        "and the next has none before it"
    );
}

#[test]
fn an_event_while_nobody_watched_does_not_stay_a_fault_of_the_harness() {
    let mut world = world();
    world.read(20, after(20, "b1", 0, &[WELL]));
    let missed = world.read(9000, after(9000, "b2", 600, &[BAD]));
    assert_eq!(outcome(&missed, "X"), "unjudged stale");
    assert_eq!(changes(&missed, "X"), ["?1"]);
    for seconds in 9001..9010 {
        let report = world.read(seconds, after(seconds, "b2", 600, &[BAD]));
        assert_eq!(outcome(&report, "X"), "not due");
        assert!(health(&report, "canary.blind").is_empty(), "{seconds}");
    }
    let next = world.read(9920, after(9920, "b3", 9900, &[BAD]));
    assert_eq!(
        outcome(&next, "X"),
        "violated 1",
        "the twin: what is judged fires"
    );
}

/// Who is found wanting by an invariant of the harness.
fn health<'r>(report: &'r runward_canary::engine::Report, id: &str) -> Vec<&'r str> {
    let findings = report.verdicts[id].findings().iter();
    findings.map(|found| found.subject.as_str()).collect()
}
