//! What cannot be told is no evidence.

use std::fs;

use crate::harness::{World, policy, state};
use crate::things::Things;
use crate::watched::Watched;
use runward_janitor::{ErrorKind, Fault, FaultKind, Found, Janitor, Permit, Progress, Step, Sweep};

#[test]
fn failed_discovery_of_one_kind_reaps_nothing_of_any() {
    let world = World::new();
    world.orphan("shop-1");
    fs::write(world.path("unreachable"), "the engine does not answer").unwrap();
    let error = world.janitor(&["shop-.*"]).run().unwrap_err();
    assert!(error.is_discovery(), "{error}");
    assert!(
        error.to_string().contains("the engine does not answer"),
        "{error}"
    );
    assert_eq!(world.has("shop-1"), [true; 3]);
    assert!(world.audit().contains("discovery-failed"));
    fs::remove_file(world.path("unreachable")).unwrap();
    assert!(world.run(&["shop-.*"]).1.is_clean());
    assert_eq!(world.has("shop-1"), [false; 3]);
}

#[test]
fn directory_that_cannot_be_listed_is_no_empty_one() {
    let world = World::new();
    world.orphan("shop-1");
    fs::rename(world.path("state"), world.path("moved")).unwrap();
    fs::write(world.path("state"), b"no directory").unwrap();
    let error = world.janitor(&["shop-.*"]).run().unwrap_err();
    assert!(error.is_discovery(), "{error}");
    assert!(world.things.exists("shop-1"));
}

#[test]
fn locks_that_cannot_be_listed_are_not_free() {
    let world = World::new();
    world.orphan("shop-1");
    let watched = Watched::of(&world.locks);
    watched.unlisted.set(true);
    let janitor = Janitor::new(&watched, policy(&["shop-.*"]), world.path("home"));
    let error = janitor.sweep(Things::of(world.root())).plan().unwrap_err();
    assert!(error.is_discovery(), "{error}");
}

/// Finds its one object once, and then not any more.
struct Fading {
    things: Things,
    left: std::cell::Cell<u32>,
}

impl Sweep for Fading {
    fn kind(&self) -> &str {
        "fading"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        if left == 0 {
            return Err(Fault::new(FaultKind::Unreachable, "gone dark"));
        }
        self.things.discover()
    }

    fn steps(&self, found: &Found) -> Vec<Step> {
        self.things.steps(found)
    }

    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        self.things.reap(found, step, permit)
    }
}

#[test]
fn discovery_that_fails_under_the_lock_ends_the_work_on_that_name() {
    // Asked once for the plan, then under the lock: to ask again, for the first round, for the proof that nothing is left.
    for answers in 1..=3 {
        let world = World::new();
        world.orphan("shop-1");
        let fading = Fading {
            things: Things::of(world.root()),
            left: answers.into(),
        };
        let janitor = Janitor::new(&world.locks, policy(&["shop-.*"]), world.path("home"));
        let (_, report) = janitor
            .sweep(fading)
            .sweep(state(world.root()))
            .run()
            .unwrap();
        assert!(!report.is_clean(), "{answers}: {report}");
        assert_eq!(world.things.exists("shop-1"), answers < 3, "{answers}");
        assert!(world.path("locks/shop-1").exists(), "{answers}");
    }
}

#[test]
fn two_sweeps_of_one_kind_are_refused() {
    let world = World::new();
    let janitor = world.janitor(&["shop-.*"]).sweep(Things::of(world.root()));
    assert_eq!(janitor.plan().unwrap_err().kind(), ErrorKind::InvalidSweep);
}
