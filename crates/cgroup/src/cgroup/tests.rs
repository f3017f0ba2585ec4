//! The way of kernels without `cgroup.kill`, on one that has it.

#[expect(dead_code, reason = "the harness of the black-box tests")]
#[path = "../../tests/it/harness.rs"]
mod harness;

use harness::{LONG, Scratch};

/// Each link starts the next one and ends: a list is outdated when it is read. Those who sleep come first in it, so that it takes a while.
const CHAIN: &str = "i=0; while [ $i -lt 100 ]; do sleep 600 & i=$((i+1)); done; \
    echo 'sh ./chain & exit 0' >chain; echo ready >&9; exec sh ./chain";

#[test]
fn frozen_and_killed_is_dead_also_who_forks_all_the_time() {
    let Some(mut scratch) = Scratch::new("fallback-chain") else {
        return;
    };
    for round in 0..8 {
        let mut alive = scratch.line();
        scratch.start(CHAIN);
        assert_eq!(alive.hear(), "ready");
        scratch.cgroup.freeze_and_kill().unwrap();
        assert!(
            scratch.cgroup.wait_empty(LONG / 10).unwrap(),
            "round {round}"
        );
        assert!(alive.has_ended());
        std::fs::remove_file(scratch.path("alive")).unwrap();
    }
}

#[test]
fn fallback_reaches_nested_and_frozen_and_leaves_nothing_frozen() {
    let Some(mut scratch) = Scratch::new("fallback-nested") else {
        return;
    };
    let mut alive = scratch.line();
    let inner = super::Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    let script = "echo ready >&9; setsid sleep 600 & exec sleep 600";
    let mut child = inner.spawn(&mut scratch.shell(script)).unwrap();
    assert_eq!(alive.hear(), "ready");
    inner.freeze().unwrap();
    scratch.cgroup.freeze_and_kill().unwrap();
    assert!(scratch.cgroup.wait_empty(LONG).unwrap());
    assert!(alive.has_ended());
    child.wait().unwrap();
    std::fs::remove_file(scratch.path("alive")).unwrap();
    let mut after = scratch.line();
    scratch.start("echo runs >&9");
    assert_eq!(after.end(), "runs\n");
}

#[test]
fn fallback_on_an_empty_cgroup_returns_at_once() {
    let Some(scratch) = Scratch::new("fallback-empty") else {
        return;
    };
    let began = std::time::Instant::now();
    scratch.cgroup.freeze_and_kill().unwrap();
    assert!(began.elapsed() < super::FREEZE_PATIENCE);
    assert!(scratch.cgroup.wait_empty(LONG).unwrap());
}
