use crate::harness::*;

const DWELL: Line = ("x", "a", "dwell", "g1");

#[test]
fn a_time_is_counted_over_cycles_in_one_generation_and_without_a_gap() {
    let mut world = World::new(terms(|_| {}));
    for (seconds, line, red) in [(0, DWELL, false), (599, DWELL, false), (600, DWELL, true)] {
        world.says(seconds, &[line]);
        assert_eq!(world.is_red(), red, "{seconds}");
    }
    for (second, red) in [(("x", "a", "dwell", "g2"), false), (DWELL, true)] {
        let mut world = World::new(terms(|_| {}));
        world.says(0, &[DWELL]);
        world.says(600, &[second]);
        assert_eq!(world.is_red(), red, "another generation begins anew");
    }
    for (gap, red) in [(900, true), (901, false)] {
        let mut world = World::new(terms(|_| {}));
        world.says(0, &[DWELL]);
        world.says(gap, &[DWELL]);
        assert_eq!(world.is_red(), red, "a gap of {gap} s");
    }
}

#[test]
fn a_cycle_that_cannot_judge_remembers_nothing() {
    for spoils in ["panic", "unjudged"] {
        let mut world = World::new(terms(|_| {}));
        world.says(0, &[DWELL]);
        let before = world.state.standing("X").unwrap().clone();
        world.says(300, &[("y", "a", "dwell", "g1"), ("z", "a", spoils, "")]);
        let text = world.state.to_json();
        assert!(!text.contains("\"y\""), "{text}");
        world.says(600, &[DWELL]);
        assert!(
            world.is_red() && !before.is_red(),
            "and forgets nothing either"
        );
    }
}

#[test]
fn what_nobody_has_seen_for_long_is_forgotten() {
    let mut world = World::new(terms(|_| {}));
    world.options.forget_after = secs(1000);
    world.says(0, &[DWELL]);
    let quiet = ("y", "a", "quiet", "");
    world.says(1000, &[quiet]);
    assert!(world.state.to_json().contains("g1"));
    world.says(1001, &[quiet]);
    assert!(!world.state.to_json().contains("g1"));
}

#[test]
fn a_check_remembers_for_itself_alone() {
    let mut world = World::of(vec![
        on("X", "jobs", terms(|_| {})),
        on("Y", "slots", terms(|_| {})),
    ]);
    world.read(
        0,
        cut([("jobs", reading(0, &[DWELL])), ("slots", reading(0, &[]))]),
    );
    let report = world.read(
        600,
        cut([("jobs", reading(0, &[])), ("slots", reading(0, &[DWELL]))]),
    );
    assert_eq!(outcome(&report, "Y"), "held 1");
}
