//! Who is reaped, and who is not: an orphan and a live one in each test, and for each criterion a case in which it alone decides.

use std::fs;

use runward_janitor::{Janitor, Outcome, Verdict};

use crate::harness::{World, policy, row, state, word};
use crate::things::Things;
use crate::watched::Watched;

#[test]
fn orphan_is_reaped_and_live_run_is_left_alone() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    let mut run = world.peer();
    run.hold("shop-2");
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "shop-1"), "orphan");
    assert_eq!(word(&plan, "thing", "shop-2"), "held");
    let why = row(&plan, "state", "shop-2").reason().to_string();
    assert!(why.contains("run peer"), "{why}");
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [false; 3], "{report}");
    assert_eq!(world.has("shop-2"), [true; 3], "{report}");
    let outcomes: Vec<_> = report
        .items()
        .iter()
        .map(|item| (item.kind(), item.outcome()))
        .collect();
    let reaped = &Outcome::Reaped;
    assert_eq!(
        outcomes,
        [("thing", reaped), ("state", reaped), ("lock", reaped)]
    );
    let others = plan
        .rows()
        .iter()
        .filter(|row| row.name().as_str() != "shop-1");
    assert!(others.clone().count() == 3);
    assert!(others.clone().all(|row| row.verdict() == Verdict::Keep));
}

#[test]
fn each_missing_criterion_alone_keeps() {
    let world = World::new();
    for app in ["shop-allowed", "other", "shop-held", "shop-bare"] {
        world.orphan(app);
    }
    fs::remove_file(world.things.file("shop-bare", "ours")).unwrap();
    let mut run = world.peer();
    run.hold("shop-held");
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "other"), "not-allowed");
    assert_eq!(word(&plan, "thing", "shop-held"), "held");
    assert_eq!(word(&plan, "thing", "shop-bare"), "not-ours");
    assert_eq!(word(&plan, "lock", "shop-bare"), "beside");
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-allowed"), [false; 3]);
    assert_eq!(world.has("other"), [true; 3]);
    assert_eq!(world.has("shop-held"), [true; 3]);
    assert_eq!(world.has("shop-bare"), [true, false, true]);
}

#[test]
fn what_comes_after_the_plan_is_seen_under_the_lock() {
    let world = World::new();
    for app in [
        "shop-held",
        "shop-gone",
        "shop-protected",
        "shop-unmarked",
        "shop-1",
    ] {
        world.orphan(app);
    }
    let janitor = world.janitor(&["shop-.*"]);
    let plan = janitor.plan().unwrap();
    assert_eq!(plan.reaps().count(), 15, "{plan}");
    let mut run = world.peer();
    run.hold("shop-held");
    fs::remove_dir_all(world.path("things/shop-gone")).unwrap();
    fs::write(world.things.file("shop-protected", "protected"), b"").unwrap();
    fs::remove_file(world.things.file("shop-unmarked", "ours")).unwrap();
    let report = janitor.execute(&plan).unwrap();
    let outcome = |id: &str| {
        let mut items = report.items().iter();
        let found = items.find(|item| (item.kind(), item.id()) == ("thing", id));
        found.unwrap().outcome().clone()
    };
    assert!(matches!(outcome("shop-held"), Outcome::Kept(_)), "{report}");
    assert!(
        matches!(outcome("shop-protected"), Outcome::Kept(_)),
        "{report}"
    );
    assert_eq!(outcome("shop-gone"), Outcome::Gone);
    assert_eq!(outcome("shop-unmarked"), Outcome::Gone, "{report}");
    assert_eq!(outcome("shop-1"), Outcome::Reaped);
    assert_eq!(world.has("shop-held"), [true; 3]);
    assert_eq!(world.has("shop-protected"), [true; 3]);
    assert!(world.things.exists("shop-unmarked"));
    assert_eq!(world.has("shop-1"), [false; 3]);
}

#[test]
fn what_the_plan_keeps_is_never_reaped_by_it() {
    let world = World::new();
    world.orphan("shop-1");
    world.things.make("shop-1,foreign");
    fs::remove_file(world.things.file("shop-1,foreign", "ours")).unwrap();
    let janitor = world.janitor(&["shop-.*"]);
    let plan = janitor.plan().unwrap();
    assert_eq!(word(&plan, "thing", "shop-1,foreign"), "not-ours");
    fs::write(world.things.file("shop-1,foreign", "ours"), b"").unwrap();
    let report = janitor.execute(&plan).unwrap();
    assert!(
        world.things.exists("shop-1,foreign") && !world.things.exists("shop-1"),
        "{report}"
    );
    assert!(
        world.path("locks/shop-1").exists(),
        "it still has an object"
    );
}

#[test]
fn leftover_lock_file_is_tidied() {
    let world = World::new();
    world.take("shop-killed").leave();
    world.take("shop-done").close().unwrap();
    let held = world.take("shop-held");
    world.take("other").close().unwrap();
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "lock", "shop-killed"), "leftover");
    assert_eq!(word(&plan, "lock", "shop-done"), "leftover");
    assert_eq!(word(&plan, "lock", "shop-held"), "held");
    assert!(report.is_clean(), "{report}");
    let exists = |app: &str| world.path("locks").join(app).exists();
    assert!(!exists("shop-killed") && !exists("shop-done"), "{report}");
    assert!(exists("shop-held") && exists("other"));
    let fence = held.fence();
    drop(held);
    assert!(
        world.take("shop-killed").fence() > fence,
        "the fence survives"
    );
}

#[test]
fn dry_run_and_execution_name_the_same_objects() {
    let world = World::new();
    for app in ["shop-3", "shop-1", "shop-2"] {
        world.orphan(app);
    }
    world.orphan("other");
    let janitor = world.janitor(&["shop-.*"]);
    let shown = janitor.plan().unwrap();
    assert_eq!(world.has("shop-1"), [true; 3], "a plan touches nothing");
    assert!(!world.path("home").exists(), "a plan writes nothing");
    let (plan, report) = janitor.run().unwrap();
    assert_eq!(shown.to_json(), plan.to_json());
    assert_eq!(shown.digest(), report.digest());
    let planned: Vec<_> = shown.reaps().map(|row| (row.kind(), row.id())).collect();
    let done: Vec<_> = report
        .items()
        .iter()
        .map(|item| (item.kind(), item.id()))
        .collect();
    assert_eq!(planned, done);
    assert_eq!(
        planned[..3],
        [("thing", "shop-1"), ("state", "shop-1"), ("lock", "shop-1")]
    );
    let (after, _) = janitor.run().unwrap();
    assert_ne!(after.digest(), plan.digest());
}

#[test]
fn lock_that_is_held_is_not_even_tried() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    let watched = Watched::of(&world.locks);
    let janitor = Janitor::new(&watched, policy(&["shop-.*"]), world.path("home"))
        .sweep(Things::of(world.root()));
    let plan = janitor.plan().unwrap();
    assert_eq!(watched.tried.take(), [""; 0], "a plan takes no lock");
    let mut run = world.peer();
    run.hold("shop-2");
    let report = janitor.execute(&plan).unwrap();
    assert_eq!(watched.tried.take(), ["shop-1"], "{report}");
}

#[test]
fn janitor_that_may_not_or_cannot_carries_out_no_plan_of_another() {
    let world = World::new();
    world.orphan("shop-1");
    let plan = world.janitor(&["shop-.*"]).plan().unwrap();
    let report = world.janitor(&["app-.*"]).execute(&plan).unwrap();
    assert!(report.to_string().contains("allow-list"), "{report}");
    let without = Janitor::new(&world.locks, policy(&["shop-.*"]), world.path("home"));
    let report = without.sweep(state(world.root())).execute(&plan).unwrap();
    assert!(
        report.to_string().contains("no sweep of kind thing"),
        "{report}"
    );
    assert_eq!(world.has("shop-1"), [true; 3]);
}
