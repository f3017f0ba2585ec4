use super::{World, rows};
use crate::CauseKind;

const FACETS: &str = "
terminal = { source = 'db', subject = 's', columns = { status = 'text' } }
running = { source = 'db', subject = 's' }
queued = { source = 'db', subject = 's' }";

const E02: &str = "
shape = 'absorbing'
of = 'terminal'
state = 'status'
final = ['success', 'failed', 'cancelled', 'skipped']
live = ['pending_retry']
back = ['running', 'queued']
memory = '1h'";

fn world(rule: &str) -> World {
    let mut world = World::new(FACETS, rule);
    world
        .has("terminal", vec![])
        .has("running", vec![])
        .has("queued", vec![]);
    world
}

#[test]
fn the_first_cycle_holds_and_a_reversal_fires_with_what_it_was() {
    for status in ["success", "failed", "cancelled", "skipped"] {
        let mut world = world(E02);
        world
            .has("terminal", rows![["a", "1", status]])
            .has("running", rows![["a", "1"]]);
        assert_eq!(world.found(), "", "one reading is no history");
        world.later(300).has("terminal", vec![]);
        let said = world.judge();
        assert_eq!(said.keys(), "a:reversed");
        assert_eq!(said.findings[0].facts["previous"], crate::Fact::id(status));
        assert_eq!(
            said.findings[0].facts["current"],
            crate::Fact::id("running")
        );
        world
            .later(300)
            .has("running", vec![])
            .has("queued", rows![["a", "1"]]);
        assert_eq!(world.found(), "a:reversed");
    }
}

#[test]
fn what_was_not_ended_comes_back_freely() {
    let mut world = world(E02);
    world
        .has(
            "terminal",
            rows![["a", "1", "pending_retry"], ["a", "2", "failed"]],
        )
        .judge();
    world
        .later(300)
        .has("terminal", vec![])
        .has("running", rows![["a", "1"]]);
    assert_eq!(world.found(), "");
}

#[test]
fn time_alone_never_makes_a_reversal_well() {
    let mut world = world(E02);
    world.has("terminal", rows![["a", "1", "failed"]]).judge();
    world
        .has("terminal", vec![])
        .has("running", rows![["a", "1"]]);
    for _ in 0..30 {
        assert_eq!(world.later(300).found(), "a:reversed");
    }
    assert_eq!(
        world.later(9000).found(),
        "a:reversed",
        "even after nobody looked"
    );
    world.has("running", vec![]);
    assert_eq!(world.later(300).found(), "");
}

#[test]
fn what_was_last_seen_ended_an_hour_ago_is_forgotten() {
    for (gap, red) in [(3599, true), (3600, true), (3601, false)] {
        let mut world = world(E02);
        world.has("terminal", rows![["a", "1", "failed"]]).judge();
        world.later(gap).has("terminal", vec![]).judge();
        world.has("running", rows![["a", "1"]]);
        assert_eq!(world.found() == "a:reversed", red, "{gap}");
    }
}

#[test]
fn a_state_that_nobody_knows_is_loud() {
    let mut world = world(E02);
    let said = world
        .has("terminal", rows![["a", "1", "completed"], ["b", "2", ()]])
        .judge();
    assert_eq!(said.blind_as("a"), Some(CauseKind::Malformed));
    assert_eq!(said.blind_as("b"), Some(CauseKind::Malformed));
}

#[test]
fn an_end_may_be_said_to_be_the_last() {
    let mut frozen = world(&format!("{E02}\nchanged = true"));
    frozen
        .has("terminal", rows![["a", "1", "cancelled"]])
        .judge();
    frozen
        .later(300)
        .has("terminal", rows![["a", "1", "success"]]);
    assert_eq!(frozen.found(), "a:changed");
    assert_eq!(
        frozen.later(300).found(),
        "a:changed",
        "the first end is what counts"
    );
    let mut free = world(E02);
    free.has("terminal", rows![["a", "1", "cancelled"]]).judge();
    assert_eq!(
        free.later(300)
            .has("terminal", rows![["a", "1", "success"]])
            .found(),
        ""
    );
}

#[test]
fn what_it_was_is_known_also_after_a_time_in_which_nobody_looked() {
    let mut world = world(E02);
    world.has("terminal", rows![["a", "1", "failed"]]).judge();
    world
        .has("terminal", vec![])
        .has("running", rows![["a", "1"]]);
    for seconds in [7200, 300] {
        let said = world.later(seconds).judge();
        assert_eq!(
            said.findings[0].facts["previous"],
            crate::Fact::id("failed")
        );
    }
}

#[test]
fn the_same_id_of_another_subject_is_another() {
    let mut world = world(E02);
    world.has("terminal", rows![["a", "1", "failed"]]).judge();
    world.later(300).has("terminal", vec![]);
    world.has("running", rows![["b", "1"]]);
    assert_eq!(world.found(), "");
    world.has("running", rows![["b", "1"], ["a", "1"]]);
    assert_eq!(world.found(), "a:reversed", "and the twin");
}

#[test]
fn an_id_that_is_given_out_again_is_another_one_where_a_column_tells() {
    let facets = "
terminal = { source = 'db', subject = 's', columns = { status = 'text', attempt = 'int' } }
running = { source = 'db', subject = 's', columns = { attempt = 'int' } }
queued = { source = 'db', subject = 's', columns = { attempt = 'int' } }";
    let rule = format!("{E02}\ngeneration = 'attempt'");
    for (attempt, found) in [(1, "a:reversed"), (2, "")] {
        let mut world = World::new(facets, &rule);
        world.has("terminal", rows![["a", "1", "failed", 1]]);
        world.has("running", vec![]).has("queued", vec![]).judge();
        world.later(300).has("terminal", vec![]);
        world.has("running", rows![["a", "1", attempt]]);
        assert_eq!(world.found(), found, "{attempt}");
        let said = world.has("running", rows![["a", "1", ()]]).judge();
        assert_eq!(said.blind_as("a"), Some(CauseKind::Malformed));
    }
}
