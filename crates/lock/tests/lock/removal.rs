use std::fs;

use runward_lock::{ErrorKind, quiet};

use crate::harness::{Scratch, Seen, hang_guard, knob, name, never};

#[test]
fn two_processes_that_take_and_remove_never_both_hold() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let rounds = knob("RUNWARD_LOCK_ROUNDS", 20_000);
    let (mut one, mut two) = (scratch.peer(), scratch.peer());
    for peer in [&mut one, &mut two] {
        peer.tell(&format!("rounds {rounds} app"));
    }
    let done = format!("rounds {rounds}");
    assert_eq!((one.hear(), two.hear()), (done.clone(), done));
}

#[test]
fn file_that_goes_between_open_and_lock_is_not_locked() {
    let _hang = hang_guard();
    for by_rename in [false, true] {
        for point in ["acquire.opened", "acquire.flocked", "acquire.ranged"] {
            let scratch = Scratch::new();
            let mut late = scratch.stopping_peer(point);
            late.tell("acquire app forever");
            assert_eq!(late.watch(), Seen::Stopped);
            if by_rename {
                fs::write(scratch.file(".new"), b"").unwrap();
                fs::rename(scratch.file(".new"), scratch.file("app")).unwrap();
            } else {
                fs::remove_file(scratch.file("app")).unwrap();
            }
            let mut quick = scratch.peer();
            let fence = quick.take("app");
            late.resume();
            // It comes by the point again: at once, or when it is given the new file.
            let pass = |late: &crate::harness::Peer| {
                assert_eq!(late.watch(), Seen::Stopped, "{point}");
                late.resume();
            };
            if point == "acquire.opened" {
                pass(&late);
            }
            assert_eq!(quick.ask("current app"), "true");
            assert_eq!(quick.ask("close app"), "done");
            if point != "acquire.opened" {
                pass(&late);
            }
            let held: u64 = late.hear()[5..].parse().unwrap();
            assert!(held > fence, "{point}: {held} after {fence}");
        }
    }
}

#[test]
fn live_guard_notices_unlink_rename_and_a_new_directory() {
    let scratch = Scratch::new();
    let take = || {
        scratch
            .locks
            .acquire(&name("app"), &never(), &mut quiet)
            .unwrap()
    };
    let guard = take();
    fs::remove_file(scratch.file("app")).unwrap();
    assert!(!guard.still_current().unwrap());
    drop(guard);
    let guard = take();
    fs::write(scratch.file(".new"), b"theirs").unwrap();
    fs::rename(scratch.file(".new"), scratch.file("app")).unwrap();
    assert!(!guard.still_current().unwrap());
    let kept = guard.remove().unwrap_err();
    assert_eq!(kept.error().kind(), ErrorKind::Replaced);
    assert_eq!(
        fs::read(scratch.file("app")).unwrap(),
        b"theirs",
        "what is not ours stays"
    );
    drop(kept);
    let guard = take();
    fs::rename(scratch.path(), scratch.path().with_extension("moved")).unwrap();
    assert!(!guard.still_current().unwrap());
}
