use super::{World, ago, micros_ago, rows};
use crate::CauseKind;

const FACETS: &str = "
slots = { source = 'db', subject = 's', born = 'b' }
ttls = { source = 'db', each = 'slots', columns = { remaining = 'int', timeout = 'int' } }";

const S03: &str = "
shape = 'decay_floor'
of = 'ttls'
born = 'slots.born'
floor = { column = 'timeout', plus = '300s' }
tolerance = '1s'
exempt = { column = 'id', prefix = 'drain-' }
missing = 'skip'
because = 'a slot without a score or a timeout has no floor'";

/// A slot of a timeout of 900 s that was acquired so long ago, of which so much was left when it was read.
fn slot(acquired: i64, left: i64, read: i64) -> String {
    let mut world = World::new(FACETS, S03);
    world.has("slots", rows![["a", "1", micros_ago(acquired)]]);
    world.has("ttls", rows![["a", "1", micros_ago(read), left, 900]]);
    world.found()
}

#[test]
fn what_is_left_and_the_age_add_up_to_the_floor_less_a_second() {
    for (age, red) in [(99_000_001, false), (99_000_000, false), (98_999_999, true)] {
        assert_eq!(slot(age, 1100, 0) == "a:below_floor", red, "{age}");
    }
}

#[test]
fn a_slot_that_runs_down_is_as_it_should_be() {
    for age in [1, 100, 600, 1199] {
        assert_eq!(slot(age * 1_000_000, 1200 - age, 0), "", "{age}");
    }
}

#[test]
fn the_age_is_that_of_the_instant_at_which_the_value_was_read() {
    // Read 30 s before the cycle's own time: by that time alone, the sum would be 30 s too high.
    assert_eq!(slot(130_000_000, 1100, 30_000_000), "");
    assert_eq!(slot(130_000_000, 1070, 30_000_000), "a:below_floor");
    // Read before it was born, by clocks that differ: no age, and not a negative one.
    assert_eq!(slot(0, 1199, 5_000_000), "");
}

#[test]
fn a_slot_without_its_hash_or_without_an_end_fires_though_nothing_else_is_known() {
    for (left, kind) in [(-2, "a:missing"), (-1, "a:no_expiry"), (0, "")] {
        assert_eq!(slot(1, left, 0), kind);
        let mut world = World::new(FACETS, S03);
        world
            .has("slots", vec![])
            .has("ttls", rows![["a", "1", (), left, ()]]);
        assert_eq!(world.found(), kind, "without score, timeout and instant");
    }
}

#[test]
fn the_floor_arm_alone_skips_what_has_no_score_no_timeout_or_no_instant() {
    let full = (ago(9), ago(0), 900);
    for hole in 0..4 {
        let mut world = World::new(FACETS, S03);
        let (born, read, timeout) = full.clone();
        let null = || super::Cell::cell(());
        let born = if hole == 1 { null() } else { born };
        let read = if hole == 2 { null() } else { read };
        let timeout = if hole == 3 {
            null()
        } else {
            super::Cell::cell(timeout)
        };
        world
            .has("slots", rows![["a", "1", born]])
            .has("ttls", rows![["a", "1", read, 30, timeout]]);
        assert_eq!(world.found() == "a:below_floor", hole == 0, "{hole}");
    }
}

#[test]
fn without_a_reason_to_skip_the_same_is_blind() {
    let strict: String = S03
        .lines()
        .filter(|line| !line.starts_with("missing") && !line.starts_with("because"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut world = World::new(FACETS, &strict);
    world
        .has("slots", vec![])
        .has("ttls", rows![["a", "1", ago(0), 30, 900]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    world.has("ttls", rows![["a", "1", ago(0), -3, 900]]);
    assert_eq!(
        world.judge().blind_as("a"),
        Some(CauseKind::Malformed),
        "no such value"
    );
}

#[test]
fn sentinels_are_exempt_and_their_twin_fires() {
    let mut world = World::new(FACETS, S03);
    world
        .has("slots", vec![])
        .has("ttls", rows![["a", "drain-a-1", ago(0), -2, ()]]);
    assert_eq!(world.found(), "");
    world.has("ttls", rows![["a", "a-drain-1", ago(0), -2, ()]]);
    assert_eq!(world.found(), "a:missing");
}

#[test]
fn births_are_found_in_whatever_order_they_come() {
    let births = rows![
        ["a", "1", ago(100)],
        ["a", "2", ago(500)],
        ["b", "1", ago(900)]
    ];
    let left = rows![
        ["b", "1", ago(0), 300, 900],
        ["a", "2", ago(0), 700, 900],
        ["a", "1", ago(0), 1100, 900]
    ];
    let mut world = World::new(FACETS, S03);
    assert_eq!(world.has("slots", births).has("ttls", left).found(), "");
    let said = world.judge();
    assert_eq!(said.arms["below_floor"], 3);
}

#[test]
fn a_birth_of_tomorrow_is_none() {
    for (ahead, blind) in [(60, None), (61, Some(CauseKind::Stale))] {
        let mut world = World::new(FACETS, S03);
        world.has("slots", rows![["a", "1", ago(-ahead)]]);
        world.has("ttls", rows![["a", "1", ago(0), 1200, 900]]);
        assert_eq!(world.judge().blind_as("a"), blind, "{ahead}");
    }
}

#[test]
fn how_young_a_slot_is_is_told_at_the_instant_at_which_it_was_read() {
    let young = "[{ column = 'born', younger_than = '3s', at = 'read_at' }]";
    let rule = S03
        .replace("{ column = 'id', prefix = 'drain-' }", young)
        .replace("'slots.born'", "'born'");
    let facets = FACETS.replace("remaining = 'int'", "remaining = 'int', born = 'time'");
    // The clocks of the server and of the one who looks are an hour apart.
    for (age, found) in [(2, ""), (3, ""), (4, "a:missing")] {
        let mut world = World::new(&facets, &rule);
        world.has("slots", vec![]);
        let read_at = -3600;
        let row = rows![["a", "1", ago(read_at), -2, ago(read_at + age), ()]];
        world.has("ttls", row);
        assert_eq!(world.found(), found, "{age}");
    }
}

#[test]
fn a_server_of_another_day_measures_nothing() {
    for (ahead, blind) in [(86_400, None), (86_401, Some(CauseKind::Stale))] {
        let mut world = World::new(FACETS, S03);
        world.has("slots", rows![["a", "1", ago(0)]]);
        world.has("ttls", rows![["a", "1", ago(-ahead), 30, 900]]);
        assert_eq!(world.judge().blind_as("a"), blind, "{ahead}");
    }
}
