//! A build and a removal killed at each step: nothing half-made is ever under a name that is used.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use proptest::prelude::*;
use runward_abradir::{Doomed, Entry, Layout, Root, Stage};

use crate::canonical::{self, request};
use crate::harness::{Scratch, Seen, other, put, seen, told};

#[test]
#[ignore = "the other process of the other tests"]
fn build_in_another_process() {
    let Some(top) = told() else { return };
    let top = Path::new(&top);
    let layout = Layout::abra();
    let root = Root::open(top.join("state"), &Doomed::new()).unwrap();
    let request = runward_abradir::Request::new(&layout, "victim")
        .source(top.join("abra"))
        .stage("recipes")
        .file("logs/first", "x");
    root.build(&request).unwrap().leave();
}

#[test]
#[ignore = "the other process of the other tests"]
fn remove_in_another_process() {
    let Some(top) = told() else { return };
    let root = Root::open(Path::new(&top).join("state"), &Doomed::new()).unwrap();
    for entry in root.list().unwrap() {
        root.remove(entry.name()).unwrap();
    }
}

/// Runs one of them until it dies at a point; whether it did.
fn dies(scratch: &Scratch, what: &str, die_at: &str) -> bool {
    let test = format!("interruption::{what}_in_another_process");
    let top = scratch.path("");
    let status = other(&test, top.to_str().unwrap(), die_at)
        .status()
        .unwrap();
    assert!(
        status.signal() == Some(9) || status.success(),
        "{die_at}: {status}"
    );
    status.signal().is_some()
}

/// What a complete one has in it; the times of what is made anew are not compared.
fn contents(path: &Path) -> Seen {
    let mut all = seen(path);
    for (path, (_, time, _)) in &mut all {
        if !path.starts_with("recipes/shop") && !path.starts_with("catalogue") {
            *time = 0;
        }
    }
    all
}

fn complete(scratch: &Scratch) -> Seen {
    assert!(!dies(scratch, "build", "never"));
    let root = scratch.root();
    let entry = root.list().unwrap().pop().unwrap();
    let all = contents(&tree(&root, &entry));
    root.remove(entry.name()).unwrap();
    all
}

fn tree(root: &Root, entry: &Entry) -> std::path::PathBuf {
    root.path().join(entry.name()).join("tree")
}

/// Whatever is under a name that is used, is complete.
#[track_caller]
fn nothing_half_made_is_visible(root: &Root, expected: &Seen) {
    for entry in root.list().unwrap() {
        if entry.stage() == Stage::Whole {
            assert!(contents(&tree(root, &entry)) == *expected, "{entry:?}");
            assert_eq!(entry.owner().unwrap().run_id(), "victim");
        }
    }
}

#[track_caller]
fn nothing_is_left(root: &Root) {
    let left: Vec<_> = fs::read_dir(root.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn killed_at_each_step_of_a_build() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let root = scratch.root();
    let expected = complete(&scratch);
    let mut step = 0;
    while dies(&scratch, "build", &step.to_string()) {
        let left = root.list().unwrap();
        assert_eq!(left.len(), 1, "step {step}: {left:?}");
        nothing_half_made_is_visible(&root, &expected);
        // The next one is not in its way, and is complete.
        let next = root.build(&request(&Layout::abra(), &scratch)).unwrap();
        next.close().unwrap();
        root.remove(left[0].name()).unwrap();
        nothing_is_left(&root);
        step += 1;
        assert!(step < 200);
    }
    assert!(step > 20, "only {step} steps were tried");
    nothing_half_made_is_visible(&root, &expected);
}

#[test]
fn killed_at_each_named_step() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let (root, expected) = (scratch.root(), complete(&scratch));
    for (point, stage, owned) in [
        ("made", Stage::Building, false),
        ("owned", Stage::Building, true),
        ("copy", Stage::Building, true),
        ("filled", Stage::Building, true),
        ("whole", Stage::Whole, true),
    ] {
        assert!(dies(&scratch, "build", point), "{point}");
        let left = root.list().unwrap().pop().unwrap();
        assert_eq!(
            (left.stage(), left.owner().is_some()),
            (stage, owned),
            "{point}"
        );
        assert_eq!(
            root.leftovers().unwrap().len(),
            usize::from(stage != Stage::Whole)
        );
        nothing_half_made_is_visible(&root, &expected);
        root.remove(left.name()).unwrap();
    }
    assert!(!dies(&scratch, "build", "never"));
    assert!(dies(&scratch, "remove", "aside"));
    assert_eq!(root.list().unwrap()[0].stage(), Stage::Removing);
    assert!(!dies(&scratch, "remove", "never"));
    nothing_is_left(&root);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Build, interrupt, rebuild, remove, interrupt, remove: with any tree and at any steps.
    #[test]
    fn any_interruption_of_any_tree(
        files in proptest::collection::btree_set("[ab]{1,2}(/[ab]{1,2}x){0,3}/f", 0..12),
        steps in proptest::collection::vec(0_u32..60, 1..4),
        removal in proptest::collection::vec(0_u32..60, 1..4),
    ) {
        let scratch = Scratch::new();
        canonical::make(&scratch);
        for file in &files {
            put(&scratch.source().join("recipes/shop").join(file), file);
        }
        let (root, expected) = (scratch.root(), complete(&scratch));
        for step in steps {
            dies(&scratch, "build", &step.to_string());
            nothing_half_made_is_visible(&root, &expected);
        }
        for step in removal {
            dies(&scratch, "remove", &step.to_string());
            nothing_half_made_is_visible(&root, &expected);
        }
        prop_assert!(!dies(&scratch, "build", "never"));
        nothing_half_made_is_visible(&root, &expected);
        prop_assert!(!dies(&scratch, "remove", "never"));
        nothing_is_left(&root);
    }
}
