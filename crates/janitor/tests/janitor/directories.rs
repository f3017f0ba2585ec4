//! The sweep of directories.

use std::fs;
use std::os::unix::fs::symlink;

use runward_janitor::{Directories, Fault, Janitor, Mark, Progress, Protect};
use runward_lock::Name;

use crate::harness::{World, name, policy, row, word};

/// `run-APP` belongs to the lock APP.
fn owner(entry: &str) -> Option<Name> {
    entry
        .strip_prefix("run-")
        .and_then(|app| Name::new(app).ok())
}

fn runs(world: &World) -> Directories<'static> {
    Directories::new("run", world.path("runs"), owner)
}

fn janitor<'w>(world: &'w World, runs: Directories<'w>) -> Janitor<'w, runward_lock::LockDir> {
    Janitor::new(&world.locks, policy(&["shop-.*"]), world.path("home")).sweep(runs)
}

fn make(world: &World, entry: &str) {
    fs::create_dir_all(world.path("runs").join(entry).join("deep")).unwrap();
    fs::write(world.path("runs").join(entry).join("deep/file"), b"x").unwrap();
}

fn entries(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.path("runs")).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn directory_of_a_dead_run_goes_with_all_in_it_and_nothing_beyond() {
    let world = World::new();
    for entry in ["run-shop-1", "run-shop-2", "other", "run-.hidden"] {
        make(&world, entry);
    }
    fs::write(world.path("precious"), b"x").unwrap();
    symlink(world.path("precious"), world.path("runs/run-shop-1/link")).unwrap();
    symlink(world.root(), world.path("runs/run-shop-9")).unwrap();
    fs::write(world.path("runs/run-shop-8"), b"a file").unwrap();
    let _live = world.take("shop-2");
    let (plan, report) = janitor(&world, runs(&world)).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        entries(&world),
        [
            "other",
            "run-.hidden",
            "run-shop-2",
            "run-shop-8",
            "run-shop-9"
        ]
    );
    assert!(world.path("precious").exists());
    assert_eq!(word(&plan, "run", "run-shop-2"), "held");
    assert_eq!(word(&plan, "run", "other"), "not-allowed");
}

#[test]
fn no_directory_is_no_failure() {
    let world = World::new();
    let (plan, report) = janitor(&world, runs(&world)).run().unwrap();
    assert!(plan.rows().is_empty() && report.is_clean());
}

#[test]
fn what_a_killed_janitor_set_aside_is_found_again() {
    let world = World::new();
    make(&world, ".reaped.run-shop-1");
    make(&world, ".reaped.run-shop-2");
    make(&world, "run-shop-2");
    make(&world, ".reaped.other");
    let (plan, report) = janitor(&world, runs(&world)).run().unwrap();
    assert_eq!(word(&plan, "run", "run-shop-1"), "orphan");
    assert!(report.is_clean(), "{report}");
    assert_eq!(entries(&world), [".reaped.other"]);
}

#[test]
fn marks_are_asked_of_the_directory_itself() {
    let world = World::new();
    for entry in ["run-shop-1", "run-shop-2", "run-shop-3"] {
        make(&world, entry);
    }
    fs::write(world.path("runs/run-shop-1/.runward"), b"").unwrap();
    fs::write(world.path("runs/run-shop-2/.runward"), b"").unwrap();
    fs::write(world.path("runs/run-shop-2/keep"), b"").unwrap();
    let runs = runs(&world)
        .mark(|path| match path.join(".runward").exists() {
            true => Mark::Ours,
            false => Mark::Missing("no file .runward".into()),
        })
        .protect(|path| path.join("keep").exists().then(|| Protect::always("Ann")));
    let (plan, report) = janitor(&world, runs).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(
        row(&plan, "run", "run-shop-2")
            .to_string()
            .contains("protected by Ann"),
        "{plan}"
    );
    assert_eq!(word(&plan, "run", "run-shop-3"), "not-ours");
    assert_eq!(entries(&world), ["run-shop-2", "run-shop-3"]);
}

#[test]
fn mark_that_is_gone_after_the_plan_keeps() {
    let world = World::new();
    make(&world, "run-shop-1");
    make(&world, "run-shop-2");
    let mark = world.path("runs/run-shop-1/.runward");
    for run in ["run-shop-1", "run-shop-2"] {
        fs::write(world.path("runs").join(run).join(".runward"), b"").unwrap();
    }
    let runs = runs(&world).mark(|path| match path.join(".runward").exists() {
        true => Mark::Ours,
        false => Mark::Missing("no file .runward".into()),
    });
    let janitor = janitor(&world, runs);
    let plan = janitor.plan().unwrap();
    fs::remove_file(mark).unwrap();
    let report = janitor.execute(&plan).unwrap();
    assert_eq!(entries(&world), ["run-shop-1"], "{report}");
}

#[test]
fn mark_is_asked_of_no_directory_that_has_no_owner() {
    let world = World::new();
    // Its name is a lock that may be swept, and yet nobody has said that it is a run's.
    make(&world, "shop-1");
    let runs = runs(&world).mark(|_| Mark::Ours);
    let (plan, report) = janitor(&world, runs).run().unwrap();
    assert_eq!(word(&plan, "run", "shop-1"), "not-ours");
    assert_eq!(entries(&world), ["shop-1"], "{report}");
}

#[test]
fn other_ways_to_remove_are_asked_until_it_is_gone() {
    let world = World::new();
    make(&world, "run-shop-1");
    let runs = runs(&world).remove_with(|path, permit| {
        permit.check()?;
        assert_eq!(*permit.name(), name("shop-1"));
        let file = path.join("deep/file");
        if file.exists() {
            fs::remove_file(&file).map_err(|e| Fault::io("cannot remove", &file, &e))?;
            return Ok(Progress::Again("a process is still in it".to_owned()));
        }
        fs::remove_dir_all(path).map_err(|e| Fault::io("cannot remove", path, &e))?;
        Ok(Progress::Done)
    });
    let (_, report) = janitor(&world, runs).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(entries(&world).is_empty());
}

#[test]
fn name_that_is_too_long_to_be_set_aside_is_removed_where_it_is() {
    let world = World::new();
    let long = format!("run-shop-{}", "a".repeat(191));
    assert!(long.len() == 200);
    let longer = format!("{long}{}", "+".repeat(50));
    make(&world, &longer);
    let short = |entry: &str| owner(entry.get(..200).unwrap_or(entry));
    let runs = Directories::new("run", world.path("runs"), short);
    let (_, report) = janitor(&world, runs).run().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(entries(&world).is_empty(), "{report}");
}
