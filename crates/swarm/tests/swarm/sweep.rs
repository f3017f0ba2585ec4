//! Stacks as a janitor sees them.

use std::time::{Duration, Instant};

use runward_janitor::{FaultKind, Found, Mark, Permit, Progress, Step, Sweep};
use runward_lock::{Guard, LockDir, Name, Request, quiet};
use runward_swarm::{Engine, Naming, StackName, Stacks};

use crate::{
    harness::{Bed, OBEYS, everything, small},
    proxy::{Fate, Proxy},
};

/// The domain that belongs to a stack.
fn domain(stack: &StackName) -> Name {
    Name::new(stack.as_str().replace('_', ".")).unwrap()
}

fn find(stacks: &Stacks, stack: &StackName) -> Option<Found> {
    let found = stacks.discover().unwrap();
    found.into_iter().find(|found| found.id() == stack.as_str())
}

fn lock(folder: &tempfile::TempDir, name: &Name) -> Guard {
    let locks = LockDir::open(folder.path().join("locks")).unwrap();
    locks.acquire(name, &Request::new(), &mut quiet).unwrap()
}

#[test]
fn a_stack_is_found_and_reaped_by_its_domain() {
    let Some(bed) = Bed::new("a_stack_is_found_and_reaped_by_its_domain") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let stacks = Stacks::new(bed.engine(), Naming::Domain);
    let found = find(&stacks, &stack).unwrap();
    assert_eq!(
        (found.owner(), found.mark()),
        (&domain(&stack), &Mark::Ours)
    );
    assert!(found.found_since().is_some() && found.protection().is_none());
    assert!(found.shown().contains("2 service") && found.shown().contains("1 secret"));

    let folder = tempfile::tempdir().unwrap();
    let guard = lock(&folder, found.owner());
    let permit = Permit::new(&guard);
    for step in stacks.steps(&found) {
        let end = Instant::now() + Duration::from_secs(60);
        while let Progress::Again(why) = stacks.reap(&found, &step, &permit).unwrap() {
            assert!(Instant::now() < end, "{step}: {why}");
        }
    }
    assert_eq!(stacks.remains(found.owner()).unwrap(), []);
    assert_eq!(find(&stacks, &stack), None);
}

#[test]
fn without_a_permit_nothing_is_removed() {
    let Some(bed) = Bed::new("without_a_permit_nothing_is_removed") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &small(OBEYS));
    let stacks = Stacks::new(bed.engine(), Naming::Domain);
    let found = find(&stacks, &stack).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let guard = lock(&folder, found.owner());
    let before = bed.inventory(&stack);
    let permit = Permit::new(&guard).until(Instant::now());
    for step in ["services", "networks"] {
        let fault = stacks.reap(&found, &Step::new(step), &permit).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Stopped, "{step}: {fault}");
    }
    assert_eq!(bed.inventory(&stack), before);
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn a_secret_alone_is_found_by_the_name_of_its_lock() {
    let Some(bed) = Bed::new("a_secret_alone_is_found_by_the_name_of_its_lock") else {
        return;
    };
    let stack = bed.stack();
    bed.secret(&format!("{stack}_key_v1"));
    let stacks = Stacks::new(bed.engine(), Naming::Domain);
    assert_eq!(find(&stacks, &stack), None);
    assert_eq!(stacks.remains(&domain(&stack)).unwrap().len(), 1);
    let name = domain(&stack).as_str().to_owned();
    let stacks = stacks.others(move || Ok(vec![name.clone()]));
    assert_eq!(find(&stacks, &stack).unwrap().shown(), "1 secret");
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn a_label_protects_a_stack() {
    let Some(bed) = Bed::new("a_label_protects_a_stack") else {
        return;
    };
    let stack = bed.stack();
    bed.run(
        &stack,
        &format!(
            r#"
version: "3.8"
services: {{web: {{image: "tiny:1", command: {OBEYS}, deploy: {{labels: {{runward.protect: "2999-01-01T00:00:00Z"}}}}}}}}
"#
        ),
    );
    let stacks = Stacks::new(bed.engine(), Naming::Plain);
    let found = find(&stacks, &stack).unwrap();
    assert_eq!(found.owner().as_str(), stack.as_str());
    let protect = found.protection().unwrap().to_string();
    assert!(
        protect.contains("runward.protect") && protect.contains("2999-01-01"),
        "{protect}"
    );
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn a_stack_that_no_domain_has_is_found_and_not_ours() {
    let Some(bed) = Bed::new("a_stack_that_no_domain_has_is_found_and_not_ours") else {
        return;
    };
    let volume = "dotted.name_data";
    let label = "com.docker.stack.namespace=dotted.name";
    bed.swarm
        .docker(["volume", "create", "--label", label, volume]);
    let stacks = Stacks::new(bed.engine(), Naming::Domain);
    let found = find(&stacks, &StackName::new("dotted.name").unwrap()).unwrap();
    assert!(matches!(found.mark(), Mark::Missing(_)));
    bed.swarm.docker(["volume", "rm", volume]);
}

#[test]
fn one_listing_of_each_kind_is_enough_for_all() {
    let Some(bed) = Bed::new("one_listing_of_each_kind_is_enough_for_all") else {
        return;
    };
    let three = [bed.stack(), bed.stack(), bed.stack()];
    three
        .iter()
        .for_each(|stack| bed.deploy(stack, &small(OBEYS)));
    let proxy = Proxy::new(&bed.swarm.socket(), |_| Fate::Pass);
    let stacks = Stacks::new(Engine::at(proxy.socket()).unwrap(), Naming::Plain);
    let found = stacks.discover().unwrap();
    assert!(
        three
            .iter()
            .all(|stack| found.iter().any(|found| found.id() == stack.as_str()))
    );
    let mut calls = proxy.calls();
    calls.retain(|call| call != "GET /version");
    assert_eq!(calls.len(), 8, "{calls:?}");
    for stack in three {
        assert!(bed.remove(&stack).is_clean());
    }
}

#[test]
fn an_engine_that_fails_is_a_fault_in_its_own_words() {
    let Some(bed) = Bed::new("an_engine_that_fails_is_a_fault_in_its_own_words") else {
        return;
    };
    let proxy = Proxy::new(&bed.swarm.socket(), |call| match call {
        "GET /networks" => Fate::Answer(500, "the store is locked"),
        "GET /tasks" => Fate::Pass,
        _ => Fate::Pass,
    });
    let stacks = Stacks::new(Engine::at(proxy.socket()).unwrap(), Naming::Domain);
    let fault = stacks.discover().unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Other);
    assert!(fault.to_string().contains("the store is locked"), "{fault}");
    stacks.remains(&Name::new("a.b").unwrap()).unwrap_err();
    assert_eq!(stacks.remains(&Name::new("no@stack").unwrap()).unwrap(), []);
}

#[test]
fn a_narrow_network_is_seen_to_fill() {
    let Some(bed) = Bed::new("a_narrow_network_is_seen_to_fill") else {
        return;
    };
    let stack = bed.stack();
    let network = format!("filling-{stack}");
    bed.swarm.docker([
        "network",
        "create",
        "-d",
        "overlay",
        "--subnet",
        "10.98.0.0/28",
        &network,
    ]);
    let shown = || {
        let stacks = Stacks::new(bed.engine(), Naming::Plain);
        let all = stacks.headroom().unwrap();
        let text: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert!(
            text.iter().any(|line| line.contains("MiB of the disk")),
            "{text:?}"
        );
        text.into_iter()
            .find(|line| line.contains(&network))
            .unwrap()
    };
    let words = format!("addresses of network {network} (10.98.0.0/28) used");
    assert_eq!(shown(), format!("1 of 14 {words}"));
    bed.run(&stack, &crate::teardown::joining(&network, OBEYS));
    assert_eq!(shown(), format!("4 of 14 {words}"));
    assert!(bed.remove(&stack).is_clean());
    assert_eq!(shown(), format!("1 of 14 {words}"));
    bed.swarm.docker(["network", "rm", &network]);
}
