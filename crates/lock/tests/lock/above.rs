//! A holder above the one who asks, which may be waiting for that to end.

use crate::harness::{Scratch, hang_guard};

#[test]
fn wait_for_an_ancestor_says_so_and_goes_on_by_default() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    holder.take("app");
    let said = holder.ask("descend acquire app forever loud");
    assert_eq!(said, format!("waiting Owner {} 1 above", holder.pid()));
    assert_eq!(holder.ask("close app"), "done");
    assert!(holder.ask("descendant").starts_with("held "));
}

#[test]
fn wait_for_an_ancestor_is_refused_on_request_and_names_both() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    holder.take("app");
    for wait in [
        "forever refusing",
        "never refusing",
        "forever ordered refusing",
    ] {
        let said = holder.ask(&format!("descend acquire app {wait}"));
        assert!(said.starts_with("failed HeldByAncestor "), "{wait}: {said}");
        let pid = format!("held by pid {} (", holder.pid());
        for part in [&pid, "run run-of-peer", "peering", "of this process, pid "] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn sibling_and_child_are_waited_for() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut sibling, mut parent) = (scratch.peer(), scratch.peer());
    sibling.take("app");
    assert_eq!(parent.ask("descend acquire app 20 refusing"), "failed Busy");
    assert!(
        parent
            .ask("descend acquire below never")
            .starts_with("held ")
    );
    assert_eq!(parent.ask("acquire below 20 refusing"), "failed Busy");
}

/// The lock is the orphan's, whoever is above it.
#[test]
fn ancestor_that_let_go_is_waited_for_no_more() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut parent = scratch.peer();
    parent.take("app");
    parent.ask("keep app");
    assert_eq!(parent.ask("drop app"), "done");
    assert_eq!(parent.ask("descend acquire app 20 refusing"), "failed Busy");
}
