use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use runward_lock::{Holder, HolderKind, State, quiet};

use crate::harness::{Scratch, hang_guard, knob, name, never};

fn held(scratch: &Scratch, lock: &str) -> Holder {
    match scratch.locks.peek(&name(lock)).unwrap() {
        State::Held(holder) => holder,
        other => panic!("{lock} is {other:?}"),
    }
}

fn pids(holder: &Holder) -> Vec<u32> {
    holder.processes().iter().map(|p| p.pid()).collect()
}

#[test]
fn child_that_inherited_is_the_true_holder_when_its_parent_is_dead() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut owner = scratch.peer();
    owner.take("app");
    let child: u32 = owner.ask("orphan app").parse().unwrap();
    assert_eq!(held(&scratch, "app").kind(), HolderKind::Owner);
    owner.kill();
    let kept = held(&scratch, "app");
    assert_eq!((kept.kind(), pids(&kept)), (HolderKind::Kept, vec![child]));
    assert_eq!(kept.processes()[0].command(), "cat");
    assert!(
        kept.to_string()
            .contains(&format!("kept by pid {child} (cat)")),
        "{kept}"
    );
    let listed = scratch.locks.list().unwrap();
    let State::Held(holder) = listed[0].state() else {
        panic!("{listed:?}")
    };
    assert_eq!(
        (holder.kind(), pids(holder)),
        (HolderKind::Kept, vec![child])
    );
}

#[test]
fn busy_error_finds_the_keeper_of_an_owner_that_let_go() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut owner = scratch.peer();
    owner.take("app");
    let child: u32 = owner.ask("keep app").parse().unwrap();
    assert_eq!(owner.ask("drop app"), "done");
    let error = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap_err();
    let holder = error.holder().unwrap();
    assert_eq!(
        (holder.kind(), pids(holder)),
        (HolderKind::Kept, vec![child])
    );
}

#[test]
fn wrong_start_time_is_not_the_owner() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut owner = scratch.peer();
    owner.take("app");
    let record = scratch.locks.record(&name("app")).unwrap().unwrap();
    assert!(record.owner_alive());
    owner.kill();
    assert!(!record.owner_alive());
}

#[test]
fn flock_1_is_seen_and_excluded() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
    let file = fs::File::options()
        .read(true)
        .open(scratch.file("app"))
        .unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    assert_eq!(held(&scratch, "app").kind(), HolderKind::Unrecorded);
    let State::Held(found) = scratch.locks.inspect(&name("app")).unwrap() else {
        panic!("held")
    };
    assert_eq!(
        (found.kind(), pids(&found)),
        (HolderKind::Unrecorded, vec![std::process::id()])
    );
    assert!(
        scratch
            .locks
            .acquire(&name("app"), &never(), &mut quiet)
            .unwrap_err()
            .is_busy()
    );
    assert!(scratch.locks.list().unwrap()[0].state().is_held());
}

/// More locks than fit a page of the kernel's list, and some of them always coming and going.
#[test]
fn busy_list_of_locks_hides_nobody() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let folder = tempfile::tempdir().unwrap();
    let open = |i| fs::File::create(folder.path().join(format!("{i}"))).unwrap();
    let others: Vec<_> = (0..300).map(open).collect();
    let lock = |file: &fs::File, operation| rustix::fs::flock(file, operation).unwrap();
    let exclusive = rustix::fs::FlockOperation::LockExclusive;
    others.iter().for_each(|file| lock(file, exclusive));
    fs::write(scratch.file("app"), b"").unwrap();
    let held = fs::File::open(scratch.file("app")).unwrap();
    lock(&held, exclusive);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for file in &others {
                    lock(file, rustix::fs::FlockOperation::Unlock);
                    lock(file, exclusive);
                }
            }
        });
        let missed = (0..40).filter(|_| {
            let peeked = scratch.locks.peek(&name("app")).unwrap().is_held();
            let listed = scratch.locks.list().unwrap()[0].state().is_held();
            !peeked || !listed
        });
        let missed = missed.count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(missed, 0);
    });
}

#[test]
fn list_tells_held_from_free_and_counts_waiters() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut holder, mut waiter, mut reader) = (scratch.peer(), scratch.peer(), scratch.peer());
    holder.take("free");
    holder.ask("close free");
    holder.take("held");
    assert!(
        reader
            .ask("acquire shared never shared")
            .starts_with("held ")
    );
    waiter.tell("acquire held forever loud");
    waiter.hear();
    fs::write(scratch.file("not a name"), b"").unwrap();
    fs::create_dir(scratch.file("folder")).unwrap();
    // The waiter has said that it will block; the list knows when it does.
    let listed = loop {
        let listed = scratch.locks.list().unwrap();
        if listed.iter().any(|e| e.waiters() == 1) {
            break listed;
        }
        std::thread::yield_now();
    };
    let states: HashMap<&str, Option<HolderKind>> = listed
        .iter()
        .map(|e| {
            (
                e.name().as_str(),
                if let State::Held(h) = e.state() {
                    Some(h.kind())
                } else {
                    None
                },
            )
        })
        .collect();
    let expected = [
        ("free", None),
        ("held", Some(HolderKind::Owner)),
        ("shared", Some(HolderKind::Unrecorded)),
    ];
    assert_eq!(states, HashMap::from(expected));
}

#[test]
fn peeking_disturbs_no_try() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let tries = knob("RUNWARD_LOCK_TRIES", 50_000);
    let mut peer = scratch.peer();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let mut looks = 0usize;
            while !done.load(Ordering::Relaxed) {
                scratch.locks.peek(&name("app")).unwrap();
                looks += 1;
            }
            looks
        });
        let answer = peer.ask(&format!("tries {tries} app"));
        done.store(true, Ordering::Relaxed);
        assert!(looker.join().unwrap() > 0);
        assert_eq!(answer, "refused []");
    });
}

#[test]
fn unreadable_lock_file_is_an_error_and_not_free() {
    let scratch = Scratch::new();
    std::os::unix::fs::symlink("/etc/passwd", scratch.file("app")).unwrap();
    let peeked = scratch.locks.peek(&name("app"));
    assert_eq!(peeked.unwrap_err().kind(), runward_lock::ErrorKind::Symlink);
}

#[test]
fn recorded_commands_have_no_control_characters() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut guard = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "read _", "\x1b[31m\nevil"])
        .stdin(std::process::Stdio::piped());
    guard.hand_down(&mut command);
    let mut child = command.spawn().unwrap();
    drop(guard);
    let error = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("evil") && !shown.contains(char::is_control),
        "{shown:?}"
    );
    drop(child.stdin.take());
    child.wait().unwrap();
}
