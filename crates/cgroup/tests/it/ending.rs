//! Killing a subtree and proving it empty.

use std::time::Duration;

use runward_cgroup::{Cgroup, ErrorKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::harness::{LONG, Scratch};

/// In a session of its own, its parents dead: nobody's child, nobody's group.
const DAEMON: &str = "setsid sh -c 'setsid sh -c \"trap : TERM; echo daemon >&9; while :; do sleep 60; done\" & exit 0'; echo main >&9; wait; exec sleep 600";

#[test]
fn who_has_forked_away_is_killed_and_the_proof_is_true() {
    let Some(mut scratch) = Scratch::new("forked-away") else {
        return;
    };
    let mut alive = scratch.line();
    scratch.start(DAEMON);
    let mut said = [alive.hear(), alive.hear()];
    said.sort();
    assert_eq!(said, ["daemon", "main"]);
    assert!(scratch.cgroup.populated().unwrap());
    scratch.cgroup.kill().unwrap();
    assert!(scratch.cgroup.wait_empty(LONG).unwrap());
    assert!(alive.has_ended(), "empty, but somebody lives");
    assert!(!scratch.cgroup.populated().unwrap());
    assert_eq!(scratch.cgroup.processes().unwrap(), []);
}

/// Freezes, and waits until all stand still.
fn freeze(cgroup: &Cgroup) {
    let events = cgroup.events().unwrap();
    cgroup.freeze().unwrap();
    let stands_still = || {
        let mut text = [0; 256];
        let length = rustix::io::pread(&events, &mut text, 0).unwrap();
        String::from_utf8_lossy(&text[..length]).contains("frozen 1")
    };
    while !stands_still() {
        let mut fds = [PollFd::new(&events, PollFlags::PRI)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).unwrap();
    }
}

#[test]
fn a_frozen_process_dies() {
    let Some(mut scratch) = Scratch::new("frozen") else {
        return;
    };
    let mut alive = scratch.line();
    scratch.start("echo ready >&9; exec sleep 600");
    assert_eq!(alive.hear(), "ready");
    freeze(&scratch.cgroup);
    scratch.cgroup.kill().unwrap();
    assert!(scratch.cgroup.wait_empty(LONG).unwrap());
    assert!(alive.has_ended());
}

#[test]
fn who_is_thawed_runs_on() {
    let Some(mut scratch) = Scratch::new("thawed") else {
        return;
    };
    let (mut alive, go) = (scratch.line(), scratch.gate());
    scratch.start("echo ready >&9; read x <go; echo passed >&9");
    assert_eq!(alive.hear(), "ready");
    freeze(&scratch.cgroup);
    scratch.cgroup.thaw().unwrap();
    go.open();
    assert_eq!(alive.end(), "passed\n");
}

#[test]
fn the_proof_is_refused_as_long_as_somebody_lives() {
    let Some(mut scratch) = Scratch::new("somebody-lives") else {
        return;
    };
    let (mut alive, go) = (scratch.line(), scratch.gate());
    scratch.start("echo ready >&9; read x <go");
    assert_eq!(alive.hear(), "ready");
    for patience in [Duration::ZERO, Duration::from_millis(20)] {
        let from = std::time::Instant::now();
        assert!(!scratch.cgroup.wait_empty(patience).unwrap());
        assert!(from.elapsed() >= patience);
        assert!(from.elapsed() < LONG);
    }
    go.open();
    assert!(scratch.cgroup.wait_empty(LONG).unwrap());
    assert!(alive.has_ended());
}

#[test]
fn the_kernel_wakes_who_waits_for_the_end() {
    let Some(mut scratch) = Scratch::new("woken") else {
        return;
    };
    let (mut alive, go) = (scratch.line(), scratch.gate());
    scratch.start("echo ready >&9; read x <go");
    assert_eq!(alive.hear(), "ready");
    let events = scratch.cgroup.events().unwrap();
    let ready = |patience| {
        let mut fds = [PollFd::new(&events, PollFlags::PRI)];
        let timeout = Timespec::try_from(patience).unwrap();
        rustix::io::retry_on_intr(|| poll(&mut fds, Some(&timeout))).unwrap();
        fds[0].revents().contains(PollFlags::PRI)
    };
    assert!(scratch.cgroup.populated_by(&events).unwrap());
    assert!(!ready(Duration::ZERO), "nothing has changed");
    go.open();
    assert!(ready(LONG));
    assert!(!scratch.cgroup.populated_by(&events).unwrap());
    assert!(!ready(Duration::ZERO), "the change was read");
}

#[test]
fn dropping_kills_and_removes() {
    let Some(mut scratch) = Scratch::new("dropped") else {
        return;
    };
    let mut alive = scratch.line();
    let inner = Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    let path = inner.path().to_owned();
    let mut child = inner
        .spawn(&mut scratch.shell("echo ready >&9; exec sleep 600"))
        .unwrap();
    assert_eq!(alive.hear(), "ready");
    drop(inner);
    assert!(alive.has_ended());
    assert!(!path.exists());
    child.wait().unwrap();
    scratch.start("true");
}

#[test]
fn who_is_disowned_or_only_looked_at_is_left_alone() {
    let Some(scratch) = Scratch::new("disowned") else {
        return;
    };
    let (mut alive, go) = (scratch.line(), scratch.gate());
    let mut inner = Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    let path = inner.path().to_owned();
    let mut child = inner
        .spawn(&mut scratch.shell("echo ready >&9; read x <go; echo passed >&9"))
        .unwrap();
    assert_eq!(alive.hear(), "ready");
    inner.disown();
    drop(inner);
    drop(Cgroup::open(&path).unwrap());
    go.open();
    assert_eq!(alive.end(), "passed\n");
    child.wait().unwrap();
    Cgroup::open(&path).unwrap().close().unwrap();
    assert!(!path.exists());
}

#[test]
fn removal_goes_from_the_bottom_and_spares_the_living() {
    let Some(scratch) = Scratch::new("removed") else {
        return;
    };
    let (mut alive, go) = (scratch.line(), scratch.gate());
    let nested = |parent: &Cgroup, name: &str| {
        let mut made = Cgroup::create(parent.path(), name).unwrap();
        made.disown();
        made
    };
    let top = nested(&scratch.cgroup, "top");
    let middle = nested(&top, "middle");
    let bottom = nested(&middle, "bottom");
    let mut child = bottom
        .spawn(&mut scratch.shell("echo ready >&9; read x <go"))
        .unwrap();
    assert_eq!(alive.hear(), "ready");
    assert_eq!(top.remove().unwrap_err().kind(), ErrorKind::Busy);
    assert!(bottom.path().exists() && alive_in(&top) == 1);
    go.open();
    assert!(top.wait_empty(LONG).unwrap());
    top.remove().unwrap();
    assert!(!top.path().exists());
    top.remove().unwrap();
    child.wait().unwrap();
}

fn alive_in(cgroup: &Cgroup) -> usize {
    cgroup.processes().unwrap().len()
}

#[test]
fn what_is_gone_is_empty() {
    let Some(scratch) = Scratch::new("gone") else {
        return;
    };
    let inner = Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    std::fs::remove_dir(inner.path()).unwrap();
    assert!(!inner.populated().unwrap());
    assert!(inner.wait_empty(Duration::ZERO).unwrap());
    assert_eq!(inner.processes().unwrap(), []);
    inner.kill().unwrap();
    assert_eq!(inner.events().unwrap_err().kind(), ErrorKind::Gone);
    let path = inner.path().to_owned();
    inner.close().unwrap();
    assert_eq!(Cgroup::open(&path).unwrap_err().kind(), ErrorKind::Gone);
}
