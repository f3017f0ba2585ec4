use super::{World, rows};
use crate::{Memory, Severity};

const TEXT: &str = "
[source.db]
kind = 'sqlite'
[source.docker]
kind = 'docker'
[source.redis]
kind = 'redis'
[facet]
roster = { source = 'db' }
containers = { source = 'docker' }
keys = { source = 'redis' }
[invariant.X]
title = 't'
tier = 'A'
severity = 'critical'
message = 'm'
runbook = 'r'
shape = 'sees'
roster = 'roster'
evidence = ['containers']
hints = ['keys']
confirm_after = '60s'";

fn world() -> World {
    let mut world = World::of(TEXT);
    world
        .has("roster", vec![])
        .has("containers", vec![])
        .has("keys", vec![]);
    world
}

/// What is said after the suspicion lasted.
fn lasting(world: &mut World) -> (String, Option<Severity>) {
    let first = world.judge();
    assert!(first.findings.is_empty());
    let said = world.later(60).judge();
    let severity = said.findings.first().and_then(|found| found.severity);
    (said.keys(), severity)
}

#[test]
fn each_reason_has_its_severity() {
    let critical = Some(Severity::Critical);
    let major = Some(Severity::Major);
    assert_eq!(
        lasting(world().fails("roster")),
        ("roster:roster_read_failed".to_owned(), critical)
    );
    let contradicted = "roster:roster_empty_contradicted".to_owned();
    assert_eq!(
        lasting(world().has("containers", rows![["a"]])),
        (contradicted, critical)
    );
    let unverifiable = "roster:roster_empty_unverifiable".to_owned();
    assert_eq!(
        lasting(world().has("keys", rows![["a"]])),
        (unverifiable.clone(), major)
    );
    assert_eq!(
        lasting(world().fails("containers")),
        (unverifiable.clone(), major)
    );
    assert_eq!(lasting(world().fails("keys")), (unverifiable, major));
    assert_eq!(
        lasting(&mut world()),
        (String::new(), None),
        "all looked, and agree"
    );
}

#[test]
fn a_roster_that_was_never_asked_for_is_one_that_was_not_read() {
    let mut world = World::of(TEXT);
    world.has("containers", vec![]).has("keys", vec![]);
    assert_eq!(lasting(&mut world).0, "roster:roster_read_failed");
}

#[test]
fn a_suspicion_is_never_green_and_fires_after_a_minute() {
    for (lasts, red) in [(59, false), (60, true), (61, true)] {
        let mut world = world();
        world.has("containers", rows![["a"]]);
        let first = world.judge();
        assert!(first.blind.contains_key("roster") && first.held.is_empty());
        assert_eq!(
            !world.later(lasts).judge().findings.is_empty(),
            red,
            "{lasts}"
        );
    }
}

#[test]
fn a_roster_that_is_seen_clears_the_suspicion() {
    let mut world = world();
    world.red.insert("roster".to_owned());
    world.fails("roster").judge();
    let said = world.later(30).has("roster", rows![["a"]]).judge();
    assert!(said.held.contains("roster") && said.blind.is_empty());
    assert!(
        world.later(30).fails("roster").judge().findings.is_empty(),
        "it begins anew"
    );
}

#[test]
fn another_reason_is_the_same_suspicion() {
    let mut world = world();
    world.fails("roster").judge();
    world
        .later(60)
        .has("roster", vec![])
        .has("containers", rows![["a"]]);
    assert_eq!(world.judge().keys(), "roster:roster_empty_contradicted");
}

#[test]
fn without_a_memory_it_is_said_at_once_and_that_it_is_unconfirmed() {
    let mut world = world();
    world.memory = Memory::lost();
    let said = world.fails("roster").judge();
    assert_eq!(said.keys(), "roster:roster_read_failed");
    assert_eq!(
        said.findings[0].facts["confirmation"],
        crate::Fact::id("unconfirmed")
    );
}
