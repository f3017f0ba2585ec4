use super::{WORDS, World, rows};
use crate::CauseKind;

const FACETS: &str = "zombies = { source = 'db', subject = 's', columns = { started = 'text' } }";
const R01: &str =
    "shape = 'dwell'\nof = 'zombies'\ngeneration = 'started'\nmin = '600s'\ngap = '600s'";

fn world() -> World {
    let mut world = World::new(FACETS, R01);
    world.has("zombies", rows![["a", "17", "g1"]]);
    world
}

#[test]
fn a_process_has_to_be_dead_for_ten_minutes() {
    for (last, red) in [(299, false), (300, true), (301, true)] {
        let mut world = world();
        assert_eq!(world.found(), "");
        assert_eq!(world.later(300).found(), "");
        assert_eq!(world.later(last).found() == "a:persists", red, "{last}");
    }
}

#[test]
fn another_process_another_start_and_another_boot_begin_anew() {
    for change in ["pid", "generation", "boot", "none"] {
        let mut world = world();
        world.boot = Some("b1".to_owned());
        world.judge();
        world.later(300);
        match change {
            "pid" => drop(world.has("zombies", rows![["a", "18", "g1"]]).found()),
            "generation" => drop(world.has("zombies", rows![["a", "17", "g2"]]).found()),
            "boot" => world.boot = Some("b2".to_owned()),
            _ => {}
        }
        world.judge();
        assert_eq!(
            world.later(300).found() == "a:persists",
            change == "none",
            "{change}"
        );
    }
}

#[test]
fn nobody_looking_for_longer_than_the_gap_begins_anew() {
    for (gap, red) in [(600, true), (601, false)] {
        let mut world = world();
        world.judge();
        assert_eq!(world.later(gap).found() == "a:persists", red, "{gap}");
    }
}

#[test]
fn without_a_gap_of_its_own_a_cycle_may_come_late_whatever_the_interval() {
    for (late, red) in [(1800, true), (1801, false)] {
        let mut world = World::of(&every_fifteen_minutes("min = '600s'"));
        world.has("zombies", rows![["a", "17", "g1"]]);
        world.judge();
        assert_eq!(world.later(late).found() == "a:persists", red, "{late}");
    }
}

#[test]
fn a_gap_that_no_cycle_could_bridge_is_refused() {
    for (gap, words) in [(1799, "gap = \"30m\""), (1800, "")] {
        let text = every_fifteen_minutes(&format!("min = '600s'\ngap = '{gap}s'"));
        let refused = crate::Rules::parse("test.toml", &text).map_err(|error| error.to_string());
        let said = refused.err().unwrap_or_default();
        assert_eq!(said.is_empty(), words.is_empty(), "{gap}");
        assert!(
            said.contains(words) && !said.contains("test.toml:1:"),
            "{said}"
        );
    }
}

fn every_fifteen_minutes(times: &str) -> String {
    format!(
        "policy.interval = '15m'\n[source.db]\nkind = 'command'\n[facet]\n{FACETS}\n[invariant.X]\n{WORDS}shape = 'dwell'\nof = 'zombies'\ngeneration = 'started'\n{times}"
    )
}

#[test]
fn seen_gone_is_gone_and_unseen_is_not() {
    let mut world = world();
    world.judge();
    world.later(300).has("zombies", vec![]).judge();
    world.later(300).has("zombies", rows![["a", "17", "g1"]]);
    assert_eq!(world.found(), "", "it had been seen to be gone");
    let mut world = self::world();
    world.judge();
    world
        .later(300)
        .has("zombies", vec![])
        .gap("zombies", "a")
        .judge();
    world.later(300).has("zombies", rows![["a", "17", "g1"]]);
    assert_eq!(world.found(), "a:persists", "nobody could look");
}

#[test]
fn without_a_generation_nothing_is_said() {
    let mut world = world();
    let said = world.has("zombies", rows![["a", "17", ()]]).judge();
    assert_eq!(said.blind_as("a"), Some(CauseKind::Malformed));
}

#[test]
fn many_that_come_and_go_are_none_that_stays() {
    let mut world = world();
    for pid in 0..10_i64 {
        world
            .later(300)
            .has("zombies", rows![["a", &*pid.to_string(), "g1"]]);
        assert_eq!(world.found(), "");
    }
}

#[test]
fn a_filter_that_cannot_be_read_forgets_nothing() {
    let facets = FACETS.replace("'text' }", "'text', died = 'time' }");
    let rule = format!("{R01}\nwhere = {{ column = 'died', older_than = '1s' }}");
    let mut world = World::new(&facets, &rule);
    let dead = |died: crate::Value| rows![["a", "17", "g1", died]];
    world.has("zombies", dead(super::ago(60)));
    assert_eq!(world.found(), "");
    world
        .later(300)
        .has("zombies", dead(crate::Value::text("soon")));
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    world.later(300).has("zombies", dead(super::ago(60)));
    assert_eq!(world.found(), "a:persists");
}
