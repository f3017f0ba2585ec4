use crate::harness::*;

const BAD: Line = ("x", "a", "found", "");
const WELL: Line = ("x", "a", "held", "");

fn world() -> World {
    let mut world = World::new(terms(|terms| terms.sustained = Some(secs(60))));
    world.options.interval = Some(secs(60));
    world
}

#[test]
fn a_finding_fires_once_it_has_been_there_for_long_enough() {
    let mut world = world();
    let first = world.says(0, &[BAD]);
    assert_eq!(outcome(&first, "X"), "held 1");
    assert_eq!(
        first.verdicts["X"].pending.len(),
        1,
        "it is said nevertheless"
    );
    assert_eq!(changes(&world.says(59, &[BAD]), "X"), [""; 0]);
    assert_eq!(changes(&world.says(60, &[BAD]), "X"), ["+a/x"]);
    let closed = world.says(70, &[WELL]);
    assert_eq!(changes(&closed, "X"), ["-a/x"]);
    let secs = format!("{:?}", closed.transitions);
    assert!(
        secs.contains("held_for_secs: 70"),
        "since it was found first: {secs}"
    );
    assert_eq!(changes(&world.says(80, &[BAD]), "X"), [""; 0], "and anew");
}

#[test]
fn one_cycle_without_it_begins_anew_and_one_that_could_not_judge_does_not() {
    let mut world = world();
    world.says(0, &[BAD]);
    world.says(30, &[WELL]);
    assert_eq!(changes(&world.says(60, &[BAD]), "X"), [""; 0]);
    world.read(90, cut([("jobs", down(90))]));
    assert_eq!(
        changes(&world.says(100, &[("x", "a", "blind", "")]), "X"),
        [""; 0]
    );
    assert_eq!(changes(&world.says(120, &[BAD]), "X"), ["+a/x"]);
}

#[test]
fn a_time_in_which_nobody_looked_does_not_count() {
    for (seconds, fires) in [(120, true), (121, false)] {
        let mut world = world();
        world.says(0, &[BAD]);
        assert_eq!(
            changes(&world.says(seconds, &[BAD]), "X").len(),
            usize::from(fires)
        );
    }
    let mut world = world();
    world.says(1000, &[BAD]);
    assert_eq!(
        changes(&world.says(900, &[BAD]), "X"),
        [""; 0],
        "a clock that went back"
    );
    assert_eq!(changes(&world.says(960, &[BAD]), "X"), ["+a/x"]);
}

#[test]
fn a_red_key_is_not_gone_while_something_else_begins() {
    let mut world = world();
    world.says(0, &[BAD]);
    world.says(60, &[BAD]);
    assert_eq!(
        changes(&world.says(70, &[("x", "b", "found", "")]), "X"),
        [""; 0]
    );
}
