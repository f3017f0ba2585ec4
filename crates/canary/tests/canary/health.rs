use std::collections::{BTreeMap, BTreeSet};

use runward_canary::{Cut, Reading, Snapshot, Stamp};

use crate::harness::*;

const WELL: Line = ("x", "a", "held", "");

/// What `id` says in each of these cycles, for a world of two invariants on two facets.
fn told(id: &str, cycles: impl IntoIterator<Item = Snapshot>) -> Vec<String> {
    told_by(&mut pair(), id, cycles)
}

fn told_by(world: &mut World, id: &str, cycles: impl IntoIterator<Item = Snapshot>) -> Vec<String> {
    let say = |snapshot: Snapshot| changes(&world.judge(&snapshot), id).join(" ");
    cycles.into_iter().map(say).collect()
}

fn pair() -> World {
    let mut world = World::of(vec![
        on("X", "jobs", terms(|_| {})),
        on("Y", "slots", terms(|_| {})),
    ]);
    world.options.interval = Some(secs(300));
    world
}

fn both(seconds: i64) -> Cut {
    cut([
        ("jobs", reading(seconds, &[WELL])),
        ("slots", reading(seconds, &[WELL])),
    ])
}

fn half(seconds: i64) -> Cut {
    cut([
        ("jobs", reading(seconds, &[WELL])),
        ("slots", down(seconds)),
    ])
}

fn none(seconds: i64) -> Cut {
    cut([("jobs", down(seconds)), ("slots", down(seconds))])
}

fn every(cuts: &[fn(i64) -> Cut]) -> Vec<Snapshot> {
    let stamped = cuts.iter().zip(0..);
    stamped
        .map(|(cut, seconds)| Snapshot::new(at(seconds), cut(seconds)))
        .collect()
}

#[test]
fn blind_while_something_else_can_be_seen() {
    let cycles = every(&[half, half, half, half, both]);
    let red = "+invariant/Y &source/slots";
    assert_eq!(
        told("canary.blind", cycles),
        ["", "", red, "", "-invariant/Y -source/slots"]
    );
    let twin = every(&[half, half, both, half, half, both]);
    assert_eq!(told("canary.blind", twin), [""; 6], "never three in a row");
}

#[test]
fn when_nothing_can_be_seen_at_all_that_is_said_in_another_way() {
    let mut world = pair();
    let told = told_by(&mut world, "canary.blind", every(&[none, none, none, none]));
    assert_eq!(told, ["", "", "?3", ""]);
}

#[test]
fn facets_of_one_source_are_blind_together_or_not_at_all() {
    let origins =
        BTreeMap::from(["jobs", "slots"].map(|facet| (facet.to_owned(), "redis".to_owned())));
    let cycles = every(&[half, half, half]);
    let cycles = cycles
        .into_iter()
        .map(|snapshot| snapshot.with_origins(origins.clone()));
    assert_eq!(
        told("canary.blind", cycles),
        ["", "", "+invariant/Y"],
        "the source is alive, the invariant is not"
    );
}

#[test]
fn a_source_that_was_not_asked_is_not_dark() {
    let barred = |seconds| {
        cut([
            ("jobs", reading(seconds, &[WELL])),
            ("other", Reading::not_run("barred", at(seconds))),
        ])
    };
    let mut world = World::new(terms(|_| {}));
    let cycles = (0..5).map(|seconds| Snapshot::new(at(seconds), barred(seconds)));
    assert_eq!(told_by(&mut world, "canary.blind", cycles), [""; 5]);
}

#[test]
fn overdue_is_longer_than_two_intervals_after_the_end_of_the_last() {
    for (silence, red) in [(599, ""), (600, ""), (601, "+late/cycle")] {
        let first = Snapshot::new(at(0), both(0)).with_ended(at(50));
        let second = Snapshot::new(at(50 + silence), both(0));
        let third = Snapshot::new(at(60 + silence), both(0));
        let closed = if red.is_empty() { "" } else { "-late/cycle" };
        assert_eq!(
            told("canary.overdue", [first, second, third]),
            ["", red, closed],
            "{silence}"
        );
    }
}

#[test]
fn by_hand_nothing_is_overdue() {
    let mut world = pair();
    world.options.watched = false;
    let cycles = [0, 10_000].map(|seconds| Snapshot::new(at(seconds), both(seconds)));
    assert_eq!(told_by(&mut world, "canary.overdue", cycles), ["", ""]);
}

#[test]
fn only_those_that_were_asked_are_said_to_be_dark() {
    let barred = |seconds| {
        cut([
            ("jobs", down(seconds)),
            ("slots", Reading::not_run("it stands on jobs", at(seconds))),
        ])
    };
    let report = pair().judge(&Snapshot::new(at(0), barred(0)));
    let cause = report.verdicts["canary.blind"].cause().expect("unjudged");
    let said = "none of the sources that were asked could be read: jobs";
    assert_eq!(cause.detail(), said);
    let unread: Vec<_> = report.unread.iter().map(|it| &it.source).collect();
    assert_eq!(unread, [&None, &None], "nobody said whose they are");
}

#[test]
fn too_fast_is_an_answer_from_afar_in_no_time() {
    for (micros, red) in [(99, "+instant/readings"), (100, ""), (101, "")] {
        let far = |seconds: i64| {
            let end = Stamp::from_micros(seconds * 1_000_000 + micros);
            let cut = cut([("jobs", Reading::ok(table(&[WELL]), at(seconds), end))]);
            Snapshot::new(at(seconds), cut)
        };
        let remote = || BTreeSet::from(["jobs".to_owned()]);
        let cycles = (0..4).map(|seconds| far(seconds).with_remote(remote()));
        assert_eq!(told("canary.fast", cycles), ["", "", red, ""], "{micros}");
        assert_eq!(
            told("canary.fast", (0..4).map(far)),
            [""; 4],
            "near by, it may be"
        );
    }
}

#[test]
fn nothing_examined_anywhere_is_a_collapse_if_there_was_something_before() {
    let empty = |seconds: i64| {
        cut([
            ("jobs", reading(seconds, &[])),
            ("slots", reading(seconds, &[])),
        ])
    };
    let collapse = every(&[both, empty, empty, empty, empty, both]);
    assert_eq!(
        told("canary.fast", collapse),
        ["", "", "", "+empty/examined", "", "-empty/examined"]
    );
    assert_eq!(
        told("canary.fast", every(&[empty, empty, empty, empty])),
        [""; 4],
        "there never was any"
    );
    let half = |seconds: i64| {
        cut([
            ("jobs", reading(seconds, &[])),
            ("slots", reading(seconds, &[WELL])),
        ])
    };
    assert_eq!(
        told("canary.fast", every(&[both, half, half, half])),
        [""; 4]
    );
    let dark = every(&[both, none, none, none]);
    assert_eq!(told("canary.fast", dark), [""; 4], "unjudged is not empty");
}

#[test]
fn two_that_write_in_turn_are_two_and_one_that_takes_over_is_not() {
    let write = |names: &[&str]| -> Vec<String> {
        let mut world = pair();
        let say = |(name, seconds): (&&str, i64)| {
            world.options.instance = Some((*name).to_owned());
            let snapshot = Snapshot::new(at(seconds), both(seconds));
            changes(&world.judge(&snapshot), "canary.twin").join(" ")
        };
        names.iter().zip(0..).map(say).collect()
    };
    assert_eq!(write(&["a", "a", "b", "b"]), [""; 4]);
    let back = write(&["a", "a", "b", "b", "b", "a", "a", "a"]);
    let once = ["", "", "", "", "", "+twin/b", "-twin/b", ""];
    assert_eq!(back, once, "one that is back fires once");
    let both = write(&["a", "b", "a", "b", "a", "b", "b", "b"]);
    let until_alone = ["", "", "+twin/b", "&twin/a", "", "", "-twin/a -twin/b", ""];
    assert_eq!(both, until_alone);
}

#[test]
fn many_names_are_not_kept_for_ever() {
    let mut world = pair();
    for seconds in 0..100 {
        world.options.instance = Some(format!("host-{seconds}"));
        world.judge(&Snapshot::new(at(seconds), both(seconds)));
    }
    assert_eq!(world.state.to_json().matches("host-").count(), 16);
}

#[test]
fn the_clock_went_back() {
    for (second, red) in [(99, "+back/clock"), (100, ""), (101, "")] {
        let first = Snapshot::new(at(90), both(90)).with_ended(at(100));
        let second = Snapshot::new(at(second), both(0));
        assert_eq!(told("canary.clock", [first, second])[1], red);
    }
}

#[test]
fn the_clock_was_set_against_the_one_that_nobody_sets() {
    let snapshot = |wall: i64, other: u64, boot: &str| {
        let stamp = Stamp::from_micros(wall);
        Snapshot::new(stamp, both(0))
            .with_monotonic(other)
            .with_boot(boot)
    };
    for (wall, other, boot, red) in [
        (12_000_000, 10_000_000, "b1", ""),
        (12_000_001, 10_000_000, "b1", "+stepped/monotonic"),
        (8_000_000, 10_000_000, "b1", ""),
        (7_999_999, 10_000_000, "b1", "+stepped/monotonic"),
        (99_000_000, 10_000_000, "b2", ""),
    ] {
        let cycles = [snapshot(0, 0, "b1"), snapshot(wall, other, boot)];
        assert_eq!(told("canary.clock", cycles)[1], red, "{wall} {boot}");
    }
}

#[test]
fn other_rules_are_a_word_and_no_alarm() {
    let mut world = pair();
    let mut said = Vec::new();
    for (seconds, digest) in [(0, "d1"), (1, "d1"), (2, "d2"), (3, "d2")] {
        world.options.digest = Some(digest.to_owned());
        let report = world.judge(&Snapshot::new(at(seconds), both(seconds)));
        assert_eq!(outcome(&report, "canary.rules"), "held 1");
        said.push(changes(&report, "canary.rules").join(" "));
    }
    assert_eq!(said, ["", "", "i", ""]);
}

#[test]
fn a_healthy_harness_is_silent() {
    let mut world = pair();
    world.options.instance = Some("a".to_owned());
    world.options.digest = Some("d".to_owned());
    for seconds in [0, 300, 600, 900, 1200] {
        let micros = u64::try_from(seconds).unwrap() * 1_000_000;
        let snapshot = Snapshot::new(at(seconds), both(seconds)).with_boot("b");
        let report = world.judge(&snapshot.with_monotonic(micros));
        assert!(report.transitions.is_empty(), "{:?}", report.transitions);
        assert!(
            report
                .verdicts
                .values()
                .all(runward_canary::engine::Verdict::is_judged)
        );
    }
}
