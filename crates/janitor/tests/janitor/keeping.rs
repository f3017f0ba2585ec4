//! What is kept though its lock is free, and what is said of locks that are held for too long.

use std::cell::Cell;
use std::fs;
use std::time::Duration;

use runward_janitor::{Fault, FaultKind, Outcome, WarningKind};

use crate::harness::{World, policy, row, word};

#[test]
fn protect_mark_keeps_all_of_its_name() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    fs::write(world.things.file("shop-1", "protected"), b"").unwrap();
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "shop-1"), "protected");
    assert_eq!(word(&plan, "state", "shop-1"), "beside");
    assert_eq!(word(&plan, "lock", "shop-1"), "beside");
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [true; 3]);
    assert_eq!(world.has("shop-2"), [false; 3]);
}

#[test]
fn veto_keeps_and_so_does_a_veto_that_fails() {
    let world = World::new();
    for app in ["shop-1", "shop-2", "shop-3"] {
        world.orphan(app);
    }
    let asked = Cell::new(0);
    let janitor = world.janitor(&["shop-.*"]).veto(|kind, found| {
        asked.set(asked.get() + u32::from(found.id() == "shop-3"));
        match found.id() {
            "shop-1" if kind == "state" => Ok(Some("ask Ann first".to_owned())),
            "shop-2" => Err(Fault::new(FaultKind::Other, "no such command")),
            _ => Ok(None),
        }
    });
    let (plan, report) = janitor.run().unwrap();
    assert_eq!(word(&plan, "thing", "shop-1"), "beside");
    assert!(
        row(&plan, "state", "shop-1")
            .reason()
            .to_string()
            .contains("ask Ann first")
    );
    assert!(
        row(&plan, "thing", "shop-2")
            .reason()
            .to_string()
            .contains("no such command")
    );
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [true; 3]);
    assert_eq!(world.has("shop-2"), [true; 3]);
    assert_eq!(world.has("shop-3"), [false; 3]);
    assert_eq!(
        asked.get(),
        4,
        "two objects, for the plan and under the lock"
    );
}

#[test]
fn veto_that_comes_after_the_plan_keeps() {
    let world = World::new();
    world.orphan("shop-1");
    let vetoed = Cell::new(false);
    let janitor = world
        .janitor(&["shop-.*"])
        .veto(|_, _| Ok(vetoed.get().then(|| "too late, almost".to_owned())))
        .quiesce(|_, _| panic!("what is kept is not ended"));
    let plan = janitor.plan().unwrap();
    vetoed.set(true);
    let report = janitor.execute(&plan).unwrap();
    assert!(
        report
            .items()
            .iter()
            .all(|item| matches!(item.outcome(), Outcome::Kept(_))),
        "{report}"
    );
    assert_eq!(world.has("shop-1"), [true; 3]);
}

#[test]
fn a_share_of_what_is_found_is_a_cap_too() {
    let world = World::new();
    for name in ["shop-1", "shop-2", "shop-3", "shop-4", "other"] {
        world.orphan(name);
    }
    let live = world.take("shop-4");
    let share = |percent| policy(&["shop-.*"]).share(percent);
    let (plan, _) = world.with(share(50)).run().unwrap();
    assert_eq!(word(&plan, "thing", "shop-3"), "capped");
    assert_eq!(plan.warnings()[0].kind(), WarningKind::Capped);
    assert_eq!(world.has("shop-2"), [false; 3], "two of the four");
    assert_eq!(world.has("shop-3"), [true; 3]);
    // Of two, a percent is one: what is left can always be reaped.
    let (_, report) = world.with(share(1)).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-3"), [false; 3]);
    drop(live);
}

#[test]
fn cap_is_reached_and_said() {
    let world = World::new();
    for app in ["shop-1", "shop-2", "shop-3"] {
        world.orphan(app);
    }
    world.take("shop-leftover").leave();
    let (plan, report) = world.with(policy(&["shop-.*"]).cap(2)).run().unwrap();
    assert_eq!(word(&plan, "thing", "shop-3"), "capped");
    assert_eq!(plan.warnings()[0].kind(), WarningKind::Capped);
    assert!(!report.is_clean() && report.postponed() > 0, "{report}");
    assert_eq!(world.has("shop-2"), [false; 3]);
    assert_eq!(world.has("shop-3"), [true; 3]);
    assert!(
        !world.path("locks/shop-leftover").exists(),
        "lock files do not count"
    );
    let (_, report) = world.with(policy(&["shop-.*"]).cap(2)).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-3"), [false; 3]);
    let (plan, _) = world.with(policy(&["shop-.*"]).cap(0)).run().unwrap();
    assert!(plan.warnings().is_empty(), "{plan}");
}

#[test]
fn long_held_lock_is_reported_once_in_a_period_and_never_stolen() {
    let world = World::new();
    world.orphan("shop-held");
    world.orphan("shop-1");
    let mut run = world.peer();
    run.hold("shop-held");
    let overdue = |every| {
        policy(&["shop-.*"])
            .overdue(Duration::ZERO)
            .warn_every(every)
    };
    let day = Duration::from_secs(86_400);
    let (plan, _) = world.with(overdue(day)).run().unwrap();
    let warned: Vec<_> = plan
        .warnings()
        .iter()
        .map(|w| (w.kind(), w.about()))
        .collect();
    assert_eq!(warned, [(WarningKind::Overdue, "shop-held")]);
    assert_eq!(world.audit().matches("\"overdue\"").count(), 1);
    let (plan, report) = world.with(overdue(day)).run().unwrap();
    assert!(plan.warnings().is_empty(), "{plan}");
    assert!(report.is_clean());
    let (plan, _) = world.with(overdue(Duration::ZERO)).run().unwrap();
    assert_eq!(plan.warnings().len(), 1, "{plan}");
    assert_eq!(world.has("shop-held"), [true; 3]);
    assert_eq!(run.ask("close shop-held"), "done");
    assert!(world.with(overdue(day)).run().unwrap().1.is_clean());
    assert_eq!(world.has("shop-held"), [false; 3]);
    assert_eq!(fs::read_dir(world.path("home/warned")).unwrap().count(), 0);
}

#[test]
fn lock_that_an_orphan_child_keeps_is_reported_and_never_stolen() {
    let world = World::new();
    world.orphan("shop-kept");
    world.orphan("shop-1");
    let mut run = world.peer();
    run.hold("shop-kept");
    let child = run.ask("keep shop-kept");
    run.kill();
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "shop-kept"), "kept-alive");
    let warning = &plan.warnings()[0];
    assert_eq!(
        (warning.kind(), warning.about()),
        (WarningKind::KeptAlive, "shop-kept")
    );
    assert!(
        warning.to_string().contains(&format!("pid {child} (cat)")),
        "{warning}"
    );
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-kept"), [true; 3]);
    assert_eq!(world.has("shop-1"), [false; 3]);
    // The input of the child ends, and so does the child, and the lock.
    let mut next = world.peer();
    run.let_go();
    next.tell("wait shop-kept");
    while !next.hear().starts_with("held") {}
    assert_eq!(next.ask("close shop-kept"), "done");
    assert!(world.run(&["shop-.*"]).1.is_clean());
    assert_eq!(world.has("shop-kept"), [false; 3]);
}

#[test]
fn lock_of_this_very_process_is_held() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    let _ours = world.take("shop-1");
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "shop-1"), "held");
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [true; 3]);
}

#[test]
fn what_is_nearly_used_up_is_reported() {
    let world = World::new();
    world.orphan("shop-1");
    let (plan, _) = world.with(policy(&["shop-.*"]).full_at(0)).run().unwrap();
    let mut kinds = plan.warnings().iter().map(runward_janitor::Warning::kind);
    assert_eq!(kinds.next(), Some(WarningKind::Headroom), "{plan}");
    let (plan, _) = world.with(policy(&["shop-.*"]).full_at(101)).run().unwrap();
    assert!(plan.warnings().is_empty(), "{plan}");
}
