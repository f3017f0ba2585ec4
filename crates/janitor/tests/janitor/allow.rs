//! Which names may be swept at all.

use std::fs;

use runward_janitor::{Allow, ErrorKind, Policy};
use runward_lock::Name;

use crate::harness::{World, name, word};

fn kind(patterns: &[&str]) -> Option<ErrorKind> {
    Allow::patterns(patterns).err().map(|error| error.kind())
}

#[test]
fn empty_list_sweeps_nothing() {
    let world = World::new();
    world.orphan("shop-1");
    let (plan, report) = world.with(Policy::new(Allow::nothing())).run().unwrap();
    assert_eq!(plan.reaps().count(), 0, "{plan}");
    assert_eq!(word(&plan, "thing", "shop-1"), "not-allowed");
    assert!(report.items().is_empty() && report.is_clean());
    assert_eq!(world.has("shop-1"), [true; 3]);
    let none: [&str; 0] = [];
    assert!(!Allow::patterns(none).unwrap().matches(&name("shop-1")));
}

#[test]
fn names_outside_are_never_probed_and_get_no_lock_file() {
    let world = World::new();
    world.things.make("warm");
    world.things.make("shop-1");
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "warm"), "not-allowed");
    assert!(report.is_clean() && world.things.exists("warm"), "{report}");
    assert!(!world.things.exists("shop-1"));
    // The lock of the other was made, and removed again.
    let files = fs::read_dir(world.path("locks")).unwrap().flatten();
    let files: Vec<_> = files.map(|file| file.file_name()).collect();
    assert!(!files.iter().any(|file| file == "warm"), "{files:?}");
    assert!(!world.audit().contains("warm"));
}

#[test]
fn name_that_is_a_regular_expression_is_taken_letter_by_letter() {
    let world = World::new();
    // The wildcards that a name may have.
    for app in ["shop.1+", "shopX1", "shopX11"] {
        world.orphan(app);
    }
    let policy = Policy::new(Allow::names([name("shop.1+")]));
    let (plan, report) = world.with(policy).run().unwrap();
    assert_eq!(report.items().len(), 3, "{report}");
    assert_eq!(world.has("shop.1+"), [false; 3], "{report}");
    assert_eq!(word(&plan, "thing", "shopX1"), "not-allowed");
    assert_eq!(word(&plan, "thing", "shopX11"), "not-allowed");
}

#[test]
fn object_whose_name_is_a_regular_expression_is_nobodys() {
    let world = World::new();
    let hostile = ["(.*)", "x|shop-1", "[a-z]+", "shop-1$|"];
    hostile.iter().for_each(|name| world.things.make(name));
    world.things.make("shop-1");
    let (plan, report) = world.run(&["shop-[0-9]"]);
    for name in hostile {
        assert_eq!(word(&plan, "thing", name), "not-allowed");
        assert!(world.things.exists(name), "{report}");
    }
    assert!(
        report.is_clean() && !world.things.exists("shop-1"),
        "{report}"
    );
}

#[test]
fn patterns_match_whole_names() {
    let allow = Allow::patterns(["shop-[0-9]+", "a|b"]).unwrap();
    let matches = |text: &str| allow.matches(&name(text));
    assert!(matches("shop-1") && matches("a") && matches("b"));
    for other in ["shop-1x", "xshop-1", "shop-", "ab", "xa"] {
        assert!(!matches(other), "{other}");
    }
    assert!(!allow.matches(&Name::slug("shop-1\n")));
}

#[test]
fn pattern_cannot_leave_its_group() {
    for pattern in ["a)|(?:.*", "a)|(.*", "(", "[", "*", "(?x)a #"] {
        assert_eq!(
            kind(&[pattern]),
            Some(ErrorKind::InvalidPattern),
            "{pattern}"
        );
    }
}

#[test]
fn list_that_matches_everything_is_refused_unless_asked_twice() {
    for patterns in [
        &[".*"][..],
        &[".+"],
        &["[a-z0-9.-]+"],
        &["a.*", "[^a].*"],
        &["(?i).*"],
        &[".*|"],
    ] {
        assert_eq!(kind(patterns), Some(ErrorKind::TooBroad), "{patterns:?}");
        assert!(
            Allow::confirmed(patterns, patterns)
                .unwrap()
                .matches(&name("any"))
        );
        let other = Allow::confirmed(patterns, &["."]).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::TooBroad, "{patterns:?}");
    }
    assert_eq!(kind(&["[a-z]+-[0-9a-f]{6}\\.ci\\.example\\.org"]), None);
}
