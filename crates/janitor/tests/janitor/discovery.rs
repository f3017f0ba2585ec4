//! What cannot be told is no evidence.

use std::fs;

use runward_janitor::{ErrorKind, Fault, Found, Permit, Progress, Step, Sweep};
use runward_lock::Name;

use crate::harness::World;
use crate::things::Things;

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
    // A handle of its own, whose directory is another one when it is read.
    let error = runward_janitor::Janitor::new(
        &Unlisted(&world),
        crate::harness::policy(&["shop-.*"]),
        world.path("home"),
    )
    .sweep(Things::of(world.root()))
    .plan()
    .unwrap_err();
    assert!(error.is_discovery(), "{error}");
}

/// Locks that can be taken, and not be listed.
struct Unlisted<'w>(&'w World);

impl runward_lock::Locks for Unlisted<'_> {
    type Guard = runward_lock::Guard;

    fn acquire(
        &self,
        name: &Name,
        request: &runward_lock::Request<'_>,
        observer: &mut dyn FnMut(&runward_lock::Event<'_>) -> std::ops::ControlFlow<()>,
    ) -> Result<Self::Guard, runward_lock::Error> {
        self.0.locks.acquire(name, request, observer)
    }

    fn peek(&self, name: &Name) -> Result<runward_lock::State, runward_lock::Error> {
        self.0.locks.peek(name)
    }

    fn list(&self) -> Result<Vec<runward_lock::Entry>, runward_lock::Error> {
        let kind = runward_lock::ErrorKind::Io;
        Err(runward_lock::Error::new(kind, "the list is torn"))
    }
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
            return Err(Fault::new(
                runward_janitor::FaultKind::Unreachable,
                "gone dark",
            ));
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
        let janitor = runward_janitor::Janitor::new(
            &world.locks,
            crate::harness::policy(&["shop-.*"]),
            world.path("home"),
        );
        let (_, report) = janitor
            .sweep(fading)
            .sweep(crate::harness::state(world.root()))
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
