//! What does not go at once, and what comes back.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runward_janitor::{Fault, FaultKind, Found, Janitor, Outcome, Permit, Progress, Step, Sweep};

use crate::harness::{World, janitor, policy, row};
use crate::things::Things;

fn hasty(patterns: &[&str]) -> runward_janitor::Policy {
    policy(patterns).backoff(Duration::ZERO, Duration::ZERO)
}

#[test]
fn teardown_failure_leaves_the_lock_file_for_the_next_pass() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    let refusal = world.things.file("shop-1", "refuse-tasks");
    fs::write(&refusal, "409 in use").unwrap();
    let (_, report) = world.with(hasty(&["shop-.*"])).run().unwrap();
    assert!(!report.is_clean());
    assert_eq!(
        world.has("shop-1"),
        [true; 3],
        "the directory waits for the thing: {report}"
    );
    assert_eq!(
        world.has("shop-2"),
        [false; 3],
        "the other name does not: {report}"
    );
    let why = report.items()[0].outcome();
    assert!(
        matches!(why, Outcome::Left(why) if why.contains("409 in use")),
        "{report}"
    );
    let steps = world.things.steps_taken();
    assert!(
        !steps.iter().any(|line| line.starts_with("shop-1 networks")),
        "{steps:?}"
    );
    // Whoever takes the lock sees that it was not released.
    let guard = world.take("shop-1");
    assert!(!guard.predecessor().unwrap().released());
    guard.leave();
    fs::remove_file(refusal).unwrap();
    let (_, report) = world.with(hasty(&["shop-.*"])).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [false; 3]);
}

#[test]
fn step_is_taken_again_until_nothing_moves() {
    let world = World::new();
    world.orphan("shop-1");
    fs::write(
        world.things.file("shop-1", "refuse-tasks"),
        "again 3 tasks still run",
    )
    .unwrap();
    let (_, report) = world.with(hasty(&["shop-.*"])).run().unwrap();
    let refused = || {
        let steps = world.things.steps_taken();
        steps
            .iter()
            .filter(|line| line.ends_with("refused"))
            .count()
    };
    assert_eq!(refused(), 2, "{report}");
    assert_eq!(
        row(
            &world.janitor(&["shop-.*"]).plan().unwrap(),
            "thing",
            "shop-1"
        )
        .steps()
        .len(),
        3
    );
}

#[test]
fn object_that_appears_mid_reap_is_found() {
    let world = World::new();
    world.orphan("shop-1");
    fs::write(world.path("appears-after-networks"), "shop-1,late").unwrap();
    let (_, report) = world.run(&["shop-.*"]);
    assert!(report.is_clean(), "{report}");
    assert!(!world.things.exists("shop-1,late"), "{report}");
    let late = report.items().last().unwrap();
    assert!(
        late.appeared() && late.id() == "shop-1,late" && *late.outcome() == Outcome::Reaped,
        "{report}"
    );
}

#[test]
fn one_look_that_finds_nothing_is_not_enough() {
    let world = World::new();
    world.orphan("shop-1");
    // Looks: for the plan, to ask again, the round that reaps, the first that finds nothing; then there is one more.
    let late = Late {
        things: Things::of(world.root()),
        looks: Cell::new(0),
    };
    let janitor = Janitor::new(&world.locks, hasty(&["shop-.*"]), world.path("home"));
    let (_, report) = janitor.sweep(late).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(!world.things.exists("shop-1,late"), "{report}");
}

struct Late {
    things: Things,
    looks: Cell<u32>,
}

impl Sweep for Late {
    fn kind(&self) -> &str {
        "late"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let found = self.things.discover();
        self.looks.set(self.looks.get() + 1);
        if self.looks.get() == 4 {
            assert!(found.as_ref().unwrap().is_empty());
            self.things.make("shop-1,late");
        }
        found
    }

    fn steps(&self, found: &Found) -> Vec<Step> {
        self.things.steps(found)
    }

    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        self.things.reap(found, step, permit)
    }
}

#[test]
fn nothing_is_touched_before_the_dead_run_is_ended() {
    let world = World::new();
    world.orphan("shop-1");
    let mut run = world.peer();
    assert!(run.ask("hold shop-1 /var/lib/runs/7").starts_with("held"));
    run.kill();
    let fails = Cell::new(true);
    let seen = Cell::new(false);
    let janitor = || {
        world
            .with(hasty(&["shop-.*"]))
            .quiesce(|predecessor, permit| {
                permit.check()?;
                seen.set(predecessor.is_some_and(|record| record.trace() == "/var/lib/runs/7"));
                assert!(world.things.steps_taken().is_empty());
                match fails.get() {
                    true => Err(Fault::new(FaultKind::Refused, "cgroup still populated")),
                    false => Ok(()),
                }
            })
    };
    let (_, report) = janitor().run().unwrap();
    assert!(
        report.to_string().contains("cgroup still populated"),
        "{report}"
    );
    assert_eq!(world.has("shop-1"), [true; 3]);
    assert!(seen.get());
    // The trace is there for the next one too.
    seen.set(false);
    fails.set(false);
    let (_, report) = janitor().run().unwrap();
    assert!(seen.get() && report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [false; 3]);
}

/// A child of a killed run, which has no lock and is about to make a thing.
fn deploy(world: &World) -> Child {
    let script = "read go && mkdir -p things/shop-1 && touch things/shop-1/ours";
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(world.root());
    command.stdin(Stdio::piped()).spawn().unwrap()
}

#[test]
fn orphan_that_still_changes_things_is_ended_before_they_are_reaped() {
    for ends in [true, false] {
        let world = World::new();
        world.orphan("shop-1");
        let child = RefCell::new(deploy(&world));
        let janitor = world.janitor(&["shop-.*"]).quiesce(|_, _| {
            if ends {
                child.borrow_mut().kill().unwrap();
                child.borrow_mut().wait().unwrap();
            }
            Ok(())
        });
        assert!(janitor.run().unwrap().1.is_clean());
        drop(janitor);
        let mut child = child.into_inner();
        // A wait has closed its input.
        if let Some(mut input) = child.stdin.take() {
            input.write_all(b"go\n").unwrap();
        }
        child.wait().unwrap();
        // The twin shows that it would have come back.
        assert_eq!(world.things.exists("shop-1"), !ends);
    }
}

#[test]
fn leftover_lock_of_a_killed_run_is_quiesced_too() {
    let world = World::new();
    world.take("shop-1").leave();
    let asked = Cell::new(0);
    let janitor = world.janitor(&["shop-.*"]).quiesce(|_, _| {
        asked.set(asked.get() + 1);
        Ok(())
    });
    assert!(janitor.run().unwrap().1.is_clean());
    assert_eq!(asked.get(), 1);
}

#[test]
fn cancel_and_deadline_end_it_between_two_steps() {
    let world = World::new();
    world.orphan("shop-1");
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    drop(writer);
    let (_, report) = world
        .with(hasty(&["shop-.*"]))
        .cancel_on(reader.as_fd())
        .run()
        .unwrap();
    assert!(report.to_string().contains("cancelled"), "{report}");
    let (_, report) = world
        .with(hasty(&["shop-.*"]).within(Duration::ZERO))
        .run()
        .unwrap();
    assert!(report.to_string().contains("time"), "{report}");
    assert_eq!(world.has("shop-1"), [true; 3]);
    assert!(world.things.steps_taken().is_empty());
    assert!(world.run(&["shop-.*"]).1.is_clean());
}

#[test]
fn what_a_cancel_interrupts_is_not_held_back() {
    let world = World::new();
    world.orphan("shop-1");
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let writer = Cell::new(Some(writer));
    let janitor = world.janitor(&["shop-.*"]).cancel_on(reader.as_fd());
    let (_, report) = janitor
        .quiesce(|_, _| {
            drop(writer.take());
            Ok(())
        })
        .run()
        .unwrap();
    assert!(report.to_string().contains("cancelled"), "{report}");
    assert_eq!(world.has("shop-1"), [true; 3]);
    let (_, report) = world.janitor(&["shop-.*"]).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(!world.has("shop-1")[0]);
}

#[test]
fn lock_that_is_lost_ends_it_before_the_next_step() {
    let world = World::new();
    world.orphan("shop-1");
    let lost = janitor(&world.locks, world.root(), hasty(&["shop-.*"])).quiesce(|_, _| {
        fs::remove_file(world.path("locks/shop-1")).unwrap();
        Ok(())
    });
    let (_, report) = lost.run().unwrap();
    assert!(report.to_string().contains("was lost"), "{report}");
    assert!(world.things.steps_taken().is_empty() && world.things.exists("shop-1"));
}
