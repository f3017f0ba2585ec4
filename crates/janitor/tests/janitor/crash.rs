//! SIGKILL of the janitor at each named point of a reap; the next sweep is always clean.

use crate::harness::{Seen, World};
use crate::things::PARTS;

/// More points than a reap has.
const MOST: usize = 64;

#[test]
fn killed_at_each_point() {
    for kills_after in 0..MOST {
        let world = World::new();
        world.orphan("shop-1");
        let mut victim = world.stopping_peer("*");
        victim.tell("sweep shop-.*\nexit");
        for _ in 0..kills_after {
            if victim.watch() == Seen::Stopped {
                victim.resume();
            }
        }
        if victim.watch() == Seen::Ended {
            assert!(kills_after > 10, "the points are not compiled in");
            return;
        }
        victim.kill();
        let (_, report) = world.run(&["shop-.*"]);
        assert!(report.is_clean(), "after {kills_after}: {report}");
        assert_eq!(
            world.has("shop-1"),
            [false; 3],
            "after {kills_after}: {report}"
        );
        check_steps(&world.things.steps_taken(), kills_after);
    }
    panic!("a reap has more than {MOST} points, or never ends");
}

/// Each part was removed once, in order, and each step was taken at most twice.
fn check_steps(taken: &[String], kills_after: usize) {
    let did: Vec<_> = taken.iter().filter(|line| line.contains(" did")).collect();
    assert_eq!(did.len(), PARTS.len(), "after {kills_after}: {taken:?}");
    assert!(
        !taken.iter().any(|line| line.ends_with("late")),
        "after {kills_after}: {taken:?}"
    );
    for part in PARTS {
        let times = taken.iter().filter(|line| line.contains(part)).count();
        assert!(
            (1..=2).contains(&times),
            "{part} after {kills_after}: {taken:?}"
        );
    }
}
