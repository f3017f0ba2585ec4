use super::{World, ago, micros_ago, rows};
use crate::CauseKind;

const FACETS: &str = "
running = { source = 'db', subject = 's', born = 'b', columns = { lease = 'time', session = 'text', next = 'time' } }
roster = { source = 'db', columns = { timeout = 'int' } }";

const E01: &str = "
shape = 'age_below'
of = 'running'
limit = { column = 'roster.timeout', plus = '300s' }
owner = { until = 'lease', grace = '600s' }";

fn e01() -> World {
    let mut world = World::new(FACETS, E01);
    world.has("roster", rows![["a", 900]]);
    world
}

#[test]
fn a_row_may_be_as_old_as_its_limit_and_not_a_microsecond_older() {
    let limit = 1200 * 1_000_000;
    for (age, red) in [(limit - 1, false), (limit, false), (limit + 1, true)] {
        let mut world = e01();
        world.has("running", rows![["a", "1", micros_ago(age), (), (), ()]]);
        assert_eq!(world.found() == "a:overdue", red, "{age}");
    }
}

#[test]
fn a_lease_exempts_until_its_grace_is_over_and_then_its_owner_is_to_blame() {
    for (overdue, kind) in [(-1, ""), (599, ""), (600, ""), (601, "a:owner_overdue")] {
        let mut world = e01();
        world.has(
            "running",
            rows![["a", "1", ago(5000), ago(overdue), (), ()]],
        );
        assert_eq!(world.found(), kind, "{overdue}");
    }
    for no_lease in [
        super::Cell::cell(()),
        super::Cell::cell(""),
        super::Cell::cell("never"),
    ] {
        let mut world = e01();
        world.has("running", rows![["a", "1", ago(5000), no_lease, (), ()]]);
        assert_eq!(
            world.found(),
            "a:overdue",
            "a row of the same age without a lease"
        );
    }
}

#[test]
fn a_birth_or_a_limit_that_is_missing_is_blind_unless_it_is_said_why_not() {
    let missing = rows![["a", "1", (), (), (), ()], ["b", "2", ago(1), (), (), ()]];
    let said = e01().has("running", missing.clone()).judge();
    assert_eq!(said.blind_as("a"), Some(CauseKind::Malformed));
    assert_eq!(
        said.blind_as("b"),
        Some(CauseKind::Malformed),
        "nobody knows its limit"
    );
    let skip = format!("{E01}\nmissing = 'skip'\nbecause = 'E-03 owns it'");
    let mut world = World::new(FACETS, &skip);
    world
        .has("roster", rows![["a", 900]])
        .has("running", missing);
    assert_eq!(world.found(), "");
    world.has("running", rows![["a", "1", "yesterday", (), (), ()]]);
    assert_eq!(
        world.judge().blind_as("a"),
        Some(CauseKind::Malformed),
        "what is no time is not missing"
    );
    world.has("running", rows![["a", "1", ago(-61), (), (), ()]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Stale));
}

#[test]
fn what_is_wrong_for_sure_is_said_though_another_row_cannot_be_told() {
    let mut world = e01();
    world.has(
        "running",
        rows![
            ["a", "1", (), (), (), ()],
            ["a", "2", ago(5000), (), (), ()]
        ],
    );
    let said = world.judge();
    assert_eq!(said.keys(), "a:overdue");
    assert!(said.blind.is_empty());
}

#[test]
fn the_facts_are_those_of_the_worst_in_any_order() {
    let old = rows![
        ["a", "1", ago(5000), (), (), ()],
        ["a", "2", ago(9000), (), (), ()]
    ];
    let mut reversed = old.clone();
    reversed.reverse();
    let facts = [old, reversed].map(|rows| e01().has("running", rows).judge().findings);
    assert_eq!(facts[0], facts[1]);
    assert_eq!(facts[0][0].facts["id"], crate::Fact::id("2"));
    assert_eq!(facts[0][0].elements.len(), 2);
}

#[test]
fn a_time_that_was_to_come_may_lie_behind_by_its_limit() {
    let e06 = "shape = 'age_below'\nof = 'running'\nstamp = 'next'\nlimit = '3600s'\nahead = '1d'\nwhere = { column = 'next', null = false }";
    for (overdue, red) in [(-9000, false), (3599, false), (3600, false), (3601, true)] {
        let mut world = World::new(FACETS, e06);
        world.has(
            "running",
            rows![
                ["a", "1", ago(1), (), (), ago(overdue)],
                ["b", "2", ago(1), (), (), ()]
            ],
        );
        assert_eq!(world.found() == "a:overdue", red, "{overdue}");
    }
}

const E05: &str = "
shape = 'within_then'
of = 'running'
within = '60s'
then = 'session'
exempt = { column = 'lease', null = false }";

#[test]
fn a_session_is_due_after_a_minute() {
    for (age, red) in [(59, false), (60, false), (61, true)] {
        let mut world = World::new(FACETS, E05);
        world.has("running", rows![["a", "1", ago(age), (), (), ()]]);
        assert_eq!(world.found() == "a:missing", red, "{age}");
        assert_eq!(
            world.judge().examined,
            u64::from(red),
            "the young are not examined"
        );
    }
}

#[test]
fn any_marker_is_a_session_and_a_lease_excuses() {
    let mut world = World::new(FACETS, E05);
    world.has("running", rows![["a", "1", ago(99), (), "dispatched", ()]]);
    assert_eq!(world.found(), "");
    world.has("running", rows![["a", "1", ago(99), ago(-9), (), ()]]);
    assert_eq!(world.found(), "");
    world.has("running", rows![["a", "1", ago(99), (), (), ()]]);
    assert_eq!(world.found(), "a:missing", "the twin without either");
    world.has("running", rows![["a", "1", "x", (), (), ()]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
}

#[test]
fn milliseconds_that_are_read_as_seconds_exempt_from_nothing() {
    let never = || ago(-999 * super::NOW);
    let mut world = e01();
    world.has("running", rows![["a", "1", ago(5000), never(), (), ()]]);
    assert_eq!(world.found(), "a:overdue", "an owner for ever is none");
    let next = "shape = 'age_below'\nof = 'running'\nstamp = 'next'\nlimit = '3600s'";
    let plan = format!("{next}\nahead = '400d'");
    for (rule, next_run, blind) in [
        (&*plan, never(), Some(CauseKind::Stale)),
        (&*plan, ago(-86_400 * 400), None),
        (&*plan, ago(-86_400 * 400 - 1), Some(CauseKind::Stale)),
        (next, ago(-60), None),
        (next, ago(-61), Some(CauseKind::Stale)),
    ] {
        let mut world = World::new(FACETS, rule);
        world.has("running", rows![["a", "1", ago(1), (), (), next_run]]);
        assert_eq!(world.judge().blind_as("a"), blind, "{rule}");
    }
    for (born, blind) in [(-60, None), (-61, Some(CauseKind::Stale))] {
        let young = format!("{E01}\nexempt = {{ column = 'born', younger_than = '3s' }}");
        let mut world = World::new(FACETS, &young);
        world.has("roster", rows![["a", 900]]);
        world.has("running", rows![["a", "1", ago(born), (), (), ()]]);
        assert_eq!(world.judge().blind_as("a"), blind, "{born}");
    }
}

#[test]
fn elements_that_cannot_be_told_are_counted() {
    let lost = |id: &'static str| rows![["a", id, (), (), (), ()]].remove(0);
    let old = rows![["a", "4", ago(5000), (), (), ()]].remove(0);
    let mut world = e01();
    let said = world
        .has("running", vec![lost("1"), lost("2"), lost("3")])
        .judge();
    assert_eq!(
        said.blind["a"].detail(),
        "`born` is missing (and 2 more elements)"
    );
    let said = world
        .has("running", vec![lost("1"), old.clone(), lost("2")])
        .judge();
    assert_eq!(said.findings[0].facts["untold"], crate::Fact::Int(2));
    let said = world.has("running", vec![old]).judge();
    assert!(!said.findings[0].facts.contains_key("untold"));
}

#[test]
fn an_owner_is_trusted_for_a_day_or_as_far_as_the_rules_say() {
    let day = 86_400;
    let longer = E01.replace("grace = '600s'", "grace = '600s', ahead = '2d'");
    for (rule, ahead, kind) in [
        (E01, day, ""),
        (E01, day + 1, "a:overdue"),
        (&*longer, 2 * day, ""),
        (&*longer, 2 * day + 1, "a:overdue"),
    ] {
        let mut world = World::new(FACETS, rule);
        world.has("roster", rows![["a", 900]]);
        world.has("running", rows![["a", "1", ago(5000), ago(-ahead), (), ()]]);
        assert_eq!(world.found(), kind, "{ahead}");
    }
}

#[test]
fn what_is_said_to_be_old_or_ahead_is_blind_beyond_its_measure() {
    let old = format!("{E05}\nwhere = {{ column = 'next', older_than = '1h' }}");
    for (next, found, blind) in [
        (ago(3601), "a:missing", None),
        (ago(3600), "", None),
        (ago(-60), "", None),
        (ago(-61), "", Some(CauseKind::Stale)),
        (super::Cell::cell("soon"), "", Some(CauseKind::Malformed)),
        (super::Cell::cell(()), "", None),
    ] {
        let mut world = World::new(FACETS, &old);
        world.has("running", rows![["a", "1", ago(99), (), (), next.clone()]]);
        let said = world.judge();
        assert_eq!(
            (&*said.keys(), said.blind_as("a")),
            (found, blind),
            "{next:?}"
        );
    }
}

#[test]
fn only_a_lease_that_is_one_exempts() {
    let rule = E05.replace("null = false", "set = true, ahead = '1d'");
    let day = 86_400;
    for (lease, exempt) in [
        (ago(-9), true),
        (ago(9), true),
        (ago(-day), true),
        (ago(-day - 1), false),
        (ago(-999 * super::NOW), false),
        (super::Cell::cell(""), false),
        (super::Cell::cell("garbage"), false),
        (super::Cell::cell(7), false),
        (super::Cell::cell(()), false),
    ] {
        let mut world = World::new(FACETS, &rule);
        world.has("running", rows![["a", "1", ago(99), lease.clone(), (), ()]]);
        assert_eq!(world.found().is_empty(), exempt, "{lease:?}");
    }
}
