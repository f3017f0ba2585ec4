use std::fs;
use std::process::{Command, Stdio};

use runward_lock::{ErrorKind, State, quiet};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use crate::harness::{Peer, Scratch, hang_guard, name, never, skip};

#[test]
fn child_of_an_ordinary_exec_does_not_get_the_lock() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let guard = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let links = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let kept = links
        .flatten()
        .filter_map(|l| fs::read_link(l.path()).ok())
        .any(|l| l.ends_with("app"));
    assert!(!kept);
    guard.close().unwrap();
    assert!(!scratch.locks.peek(&name("app")).unwrap().is_held());
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn handed_down_lock_is_adopted_and_released_by_the_child() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut guard = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    let mut other = scratch
        .locks
        .acquire(&name("other"), &never(), &mut quiet)
        .unwrap();
    let mut command = Peer::command(&scratch.path());
    other.hand_down(&mut command);
    guard.hand_down(&mut command);
    let mut peer = Peer::spawn(command);
    let fence = guard.fence();
    assert_eq!(peer.ask("inherited app"), format!("held {fence}"));
    assert_eq!(peer.ask("inherited app"), "failed AlreadyHeld");
    assert_eq!(peer.ask("inherited nothing"), "failed NotHeld");
    drop((guard, other));
    let record = || scratch.locks.record(&name("app")).unwrap().unwrap();
    assert!(!record().released(), "the work goes on in the child");
    assert_eq!(peer.ask("what app orphaned"), "true");
    assert_eq!(
        (record().pid(), record().what().to_owned()),
        (peer.pid(), "orphaned".to_owned())
    );
    assert_eq!(peer.ask("close app"), "done");
    assert!(record().released());
    assert!(matches!(
        scratch.locks.peek(&name("app")).unwrap(),
        State::Free
    ));
    assert!(
        scratch.locks.peek(&name("other")).unwrap().is_held(),
        "inherited, if not adopted"
    );
    assert_eq!(
        peer.ask("inherited other"),
        format!(
            "held {}",
            record().fence().get() - record().fence().get() % 1_000_000 + 1_000_001
        )
    );
    assert_eq!(peer.ask("remove other"), "done");
}

#[test]
fn guard_that_is_gone_before_the_start_fails_it() {
    let scratch = Scratch::new();
    let mut command = Command::new("true");
    let mut guard = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    guard.hand_down(&mut command);
    drop(guard);
    assert!(command.spawn().is_err());
}

#[test]
fn fork_that_drops_its_copy_releases_nothing() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut peer = scratch.peer();
    peer.take("app");
    assert_eq!(peer.ask("fork app"), "forked");
    assert_eq!(scratch.peer().ask("acquire app never"), "failed Busy");
    assert!(
        !scratch
            .locks
            .record(&name("app"))
            .unwrap()
            .unwrap()
            .released()
    );
    assert_eq!(peer.ask("close app"), "done");
}

#[test]
fn received_descriptor_becomes_a_guard() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut peer = scratch.peer();
    let fence = peer.take("app");
    let Some(fd) = take_descriptor(&peer, "app") else {
        return skip(
            "received_descriptor_becomes_a_guard",
            "pidfd_getfd is not allowed here",
        );
    };
    let guard = scratch.locks.adopt(&name("app"), fd).unwrap();
    assert_eq!(guard.fence().get(), fence);
    peer.kill();
    assert_eq!(
        scratch.peer().ask("acquire app never"),
        "failed Busy",
        "we keep it"
    );
    guard.remove().unwrap();
    assert!(!scratch.file("app").exists());
}

/// As if the peer had sent it.
fn take_descriptor(peer: &Peer, lock: &str) -> Option<std::os::fd::OwnedFd> {
    let links = fs::read_dir(format!("/proc/{}/fd", peer.pid()))
        .unwrap()
        .flatten();
    let link = links
        .into_iter()
        .find(|l| fs::read_link(l.path()).is_ok_and(|l| l.ends_with(lock)))?;
    let number = link.file_name().to_str()?.parse().ok()?;
    let pidfd =
        rustix::process::pidfd_open(Pid::from_raw(peer.pid() as i32)?, PidfdFlags::empty()).ok()?;
    rustix::process::pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty()).ok()
}

#[test]
fn descriptor_without_the_lock_is_not_adopted() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut peer = scratch.peer();
    peer.take("app");
    let open = |file: &str| {
        fs::File::options()
            .read(true)
            .write(true)
            .open(scratch.file(file))
            .unwrap()
            .into()
    };
    let adopt = |file: &str| {
        scratch
            .locks
            .adopt(&name("app"), open(file))
            .unwrap_err()
            .kind()
    };
    assert_eq!(
        adopt("app"),
        ErrorKind::NotHeld,
        "the file is locked, but not by this description"
    );
    assert_eq!(adopt(".epoch"), ErrorKind::Replaced);
    let guard = scratch
        .locks
        .acquire(&name("mine"), &never(), &mut quiet)
        .unwrap();
    let twin = std::os::fd::AsFd::as_fd(&guard)
        .try_clone_to_owned()
        .unwrap();
    assert_eq!(
        scratch.locks.adopt(&name("mine"), twin).unwrap_err().kind(),
        ErrorKind::AlreadyHeld
    );
}
