use super::{World, ago, micros_ago, rows};
use crate::CauseKind;

const FACETS: &str = "
slots = { source = 'db', subject = 's', born = 'b' }
running = { source = 'db', subject = 's', born = 'b', columns = { lease = 'time' } }";

const S01: &str = "
shape = 'same_ids'
left = 'slots'
right = 'running'
exclude = { left_prefix = 'drain-', right_set = 'lease' }
grace = '3s'";

fn world() -> World {
    let mut world = World::new(FACETS, S01);
    world.has("slots", vec![]).has("running", vec![]);
    world
}

#[test]
fn the_same_ids_hold_and_each_side_fires_alone() {
    let mut world = world();
    world
        .has("slots", rows![["a", "1", ago(9)]])
        .has("running", rows![["a", "1", ago(9), ()]]);
    assert_eq!(world.found(), "");
    world.has("running", vec![]);
    assert_eq!(world.found(), "a:only_left");
    world
        .has("slots", vec![])
        .has("running", rows![["a", "1", ago(9), ()]]);
    assert_eq!(world.found(), "a:only_right");
    let said = world.judge();
    assert!(said.findings[0].elements.contains("1") && said.examined == 1);
}

#[test]
fn the_grace_ends_after_exactly_three_seconds_on_each_side() {
    for (age, red) in [(2_999_999, false), (3_000_000, false), (3_000_001, true)] {
        let mut world = world();
        world.has("slots", rows![["a", "1", micros_ago(age)]]);
        assert_eq!(world.found() == "a:only_left", red, "left {age}");
        world
            .has("slots", vec![])
            .has("running", rows![["a", "1", micros_ago(age), ()]]);
        assert_eq!(world.found() == "a:only_right", red, "right {age}");
    }
}

#[test]
fn a_side_may_have_a_grace_of_its_own() {
    let rule = S01.replace("grace = '3s'", "grace_left = '3s'\ngrace_right = '9s'");
    let mut world = World::new(FACETS, &rule);
    world
        .has("slots", rows![["a", "1", ago(5)]])
        .has("running", rows![["a", "2", ago(5), ()]]);
    assert_eq!(world.found(), "a:only_left");
    world.has("running", rows![["a", "2", ago(10), ()]]);
    assert_eq!(world.found(), "a:only_left a:only_right");
}

#[test]
fn without_a_birth_there_is_no_grace_and_a_birth_that_is_none_is_blind() {
    let mut world = world();
    world.has("running", rows![["a", "1", (), ()]]);
    assert_eq!(world.found(), "a:only_right");
    world.has("running", rows![["a", "1", "soon", ()]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    world.has("running", rows![["a", "1", ago(-61), ()]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Stale));
}

#[test]
fn sentinels_and_leases_are_exempt_and_their_twins_fire() {
    let mut world = world();
    world.has("slots", rows![["a", "drain-a-1", ago(9)]]);
    assert_eq!(world.found(), "");
    world.has("slots", rows![["a", "xdrain-a-1", ago(9)]]);
    assert_eq!(world.found(), "a:only_left");
    world
        .has("slots", vec![])
        .has("running", rows![["a", "1", ago(9), ago(-5)]]);
    assert_eq!(world.found(), "");
    world.has("running", rows![["a", "1", ago(9), ()]]);
    assert_eq!(world.found(), "a:only_right");
}

#[test]
fn the_slot_of_a_leased_row_is_one_too_many() {
    let mut world = world();
    world
        .has("slots", rows![["a", "1", ago(9)]])
        .has("running", rows![["a", "1", ago(9), ago(-5)]]);
    assert_eq!(world.found(), "a:only_left");
}

#[test]
fn the_same_id_of_another_subject_is_another_id() {
    let mut world = world();
    world
        .has("slots", rows![["a", "1", ago(9)]])
        .has("running", rows![["b", "1", ago(9), ()]]);
    assert_eq!(world.found(), "a:only_left b:only_right");
}

#[test]
fn one_side_may_be_enough() {
    let mut world = World::new(FACETS, &format!("{S01}\nside = 'right'"));
    world
        .has("slots", rows![["a", "1", ago(9)]])
        .has("running", rows![["a", "2", ago(9), ()]]);
    assert_eq!(world.found(), "a:only_right");
}

#[test]
fn a_gap_on_either_side_is_blind_and_the_others_are_judged() {
    let mut world = world();
    world
        .has("slots", rows![["b", "2", ago(9)]])
        .has("running", rows![["a", "1", ago(9), ()]]);
    let said = world.gap("slots", "a").judge();
    assert_eq!(said.keys(), "b:only_left");
    assert_eq!(said.blind_as("a"), Some(CauseKind::Timeout));
}

#[test]
fn what_was_red_and_is_well_has_a_witness() {
    let mut world = world();
    world.red.insert("a".to_owned());
    world
        .has("slots", rows![["a", "1", ago(9)]])
        .has("running", rows![["a", "1", ago(9), ()]]);
    assert!(world.judge().held.contains("a"));
    world.has("slots", vec![]).has("running", vec![]);
    assert!(world.judge().held.is_empty(), "nothing seen is no witness");
}

const REFERS: &str = "
orphans = { source = 'db', subject = 's', columns = { tab = 'text' } }
keys = { source = 'db' }
roster = { source = 'db' }
gone = { source = 'db' }";

const L03: &str = "
shape = 'refers'
refs = ['orphans', 'keys']
table = 'tab'
to = ['roster', 'gone']
exempt = [{ column = 'subject', in = ['alarm-host'] }]
severities = { schedule_executions = 'critical', keys = 'critical' }
otherwise = 'major'";

fn ghosts() -> World {
    let mut world = World::new(REFERS, L03);
    world
        .has("roster", rows![["a"]])
        .has("gone", rows![["old"]]);
    world.has("orphans", vec![]).has("keys", vec![]);
    world
}

#[test]
fn ghosts_are_grouped_by_name_and_as_bad_as_the_worst_table() {
    use crate::Severity::{Critical, Major};
    let mut world = ghosts();
    world.has(
        "orphans",
        rows![["g", "1", "agent_tags"], ["g", "2", "agent_skills"]],
    );
    let said = world.judge();
    assert_eq!(
        (said.keys().as_str(), said.findings[0].severity),
        ("g:dangling", Some(Major))
    );
    assert_eq!(said.findings[0].elements.len(), 2);
    world.has(
        "orphans",
        rows![["g", "1", "agent_tags"], ["g", "2", "schedule_executions"]],
    );
    assert_eq!(world.judge().findings[0].severity, Some(Critical));
    world
        .has("orphans", rows![["g", "1", "agent_tags"]])
        .has("keys", rows![["g"]]);
    assert_eq!(
        world.judge().findings[0].severity,
        Some(Critical),
        "a key of the table that has no column"
    );
}

#[test]
fn the_known_the_deleted_and_the_exempt_are_no_ghosts_and_their_twin_is() {
    let mut world = ghosts();
    world.has(
        "orphans",
        rows![["a", "1", "t"], ["old", "2", "t"], ["alarm-host", "3", "t"]],
    );
    assert_eq!(world.found(), "");
    world.has("orphans", rows![["alarm-host-2", "3", "t"]]);
    assert_eq!(world.found(), "alarm-host-2:dangling");
}

#[test]
fn with_nobody_known_nobody_is_a_ghost() {
    let mut world = ghosts();
    world
        .has("roster", vec![])
        .has("gone", vec![])
        .has("orphans", rows![["a", "1", "t"]]);
    let said = world.judge();
    assert_eq!(
        said.unjudged.map(|cause| cause.kind()),
        Some(CauseKind::Empty)
    );
}

#[test]
fn a_reference_to_nobody_is_blind_unless_it_is_said_why_not() {
    let rows = rows![["a", "1", "t"], [(), "4", "t"]];
    let said = ghosts().has("orphans", rows.clone()).judge();
    assert_eq!(said.blind_as("(null)"), Some(CauseKind::Malformed));
    assert_eq!((said.keys().as_str(), said.examined), ("", 1));
    let skip = format!("{L03}\nmissing = 'skip'\nbecause = 'a draft belongs to nobody yet'");
    let mut world = World::new(REFERS, &skip);
    world.has("roster", rows![["a"]]).has("gone", vec![]);
    world.has("orphans", rows).has("keys", vec![]);
    assert_eq!(world.found(), "");
    world.has("orphans", rows![["b", "1", "t"], [(), "4", "t"]]);
    assert_eq!(world.found(), "b:dangling", "the twin beside it");
}

#[test]
fn of_two_births_of_one_id_the_older_counts_in_either_order() {
    let young = || ago(2);
    for (other, found, blind) in [
        (ago(9), "a:only_left", None),
        (ago(3), "", None),
        (super::Cell::cell(()), "a:only_left", None),
        (super::Cell::cell("soon"), "", Some(CauseKind::Malformed)),
    ] {
        for reversed in [false, true] {
            let mut slots = rows![["a", "1", young()], ["a", "1", other.clone()]];
            if reversed {
                slots.reverse();
            }
            let said = world().has("slots", slots).judge();
            assert_eq!(
                (&*said.keys(), said.blind_as("a")),
                (found, blind),
                "{other:?} {reversed}"
            );
        }
    }
}

#[test]
fn what_is_no_lease_excludes_nothing() {
    let day = 86_400;
    for (lease, excluded) in [
        (ago(-5), true),
        (ago(-day), true),
        (ago(-day - 1), false),
        (ago(-999 * super::NOW), false),
        (super::Cell::cell(""), false),
        (super::Cell::cell("garbage"), false),
    ] {
        let mut world = world();
        world.has("running", rows![["a", "1", ago(9), lease.clone()]]);
        assert_eq!(world.found().is_empty(), excluded, "{lease:?}");
    }
}
