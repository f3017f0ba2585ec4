use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use runward_lock::{ErrorKind, Guard, LockDir, Mode, State, quiet};

use crate::harness::{Scratch, hang_guard, knob, name, never};

#[test]
fn take_look_release() {
    let scratch = Scratch::new();
    let app = name("app");
    assert!(matches!(scratch.locks.peek(&app).unwrap(), State::Absent));
    let guard = scratch
        .locks
        .acquire(
            &app,
            &never().run_id("r1").what("testing").trace("/x/y"),
            &mut quiet,
        )
        .unwrap();
    assert!(guard.still_current().unwrap());
    let State::Held(holder) = scratch.locks.peek(&app).unwrap() else {
        panic!("held")
    };
    assert_eq!(holder.record().unwrap().run_id(), "r1");
    assert_eq!(holder.record().unwrap().trace(), "/x/y");
    guard.close().unwrap();
    assert!(matches!(scratch.locks.peek(&app).unwrap(), State::Free));
}

#[test]
fn second_take_in_one_process_names_both_sites() {
    let scratch = Scratch::new();
    let other = LockDir::open(scratch.path()).unwrap();
    let first = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    let error = other
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyHeld);
    let text = error.to_string();
    let sites: Vec<&str> = text.split("basics.rs:").skip(1).collect();
    assert!(sites.len() == 2 && sites[0] != sites[1], "{text}");
    drop(first);
    other
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn fence_grows_across_release_remove_and_rm() {
    let scratch = Scratch::new();
    let mut last = 0;
    let mut next = |then: fn(Guard, &Scratch)| {
        let guard = scratch
            .locks
            .acquire(&name("app"), &never(), &mut quiet)
            .unwrap();
        let fence = guard.fence().get();
        assert!(fence > last && fence < 1 << 53, "{fence} after {last}");
        last = fence;
        then(guard, &scratch);
    };
    next(|g, _| drop(g.close().unwrap()));
    next(|g, _| drop(g));
    next(|g, _| drop(g.remove().unwrap()));
    next(|g, s| {
        fs::remove_file(s.file("app")).unwrap();
        assert_eq!(g.remove().unwrap_err().error().kind(), ErrorKind::Replaced);
    });
    next(|g, s| {
        fs::write(s.file("app"), b"not a record").unwrap();
        drop(g);
    });
    next(|g, _| drop(g));
}

#[test]
fn told_fence_goes_stale() {
    let scratch = Scratch::new();
    let guard = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    let fence = guard.fence();
    scratch.locks.check_fence(&name("app"), fence).unwrap();
    guard.close().unwrap();
    let kind = || {
        scratch
            .locks
            .check_fence(&name("app"), fence)
            .unwrap_err()
            .kind()
    };
    assert_eq!(kind(), ErrorKind::Stale);
    let _next = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    assert_eq!(kind(), ErrorKind::Stale);
}

#[test]
fn guard_is_owned_and_can_move_to_a_thread() {
    fn owned<T: Send + 'static>(value: T) -> T {
        value
    }
    let scratch = Scratch::new();
    let guard = owned(
        scratch
            .locks
            .acquire(&name("app"), &never(), &mut quiet)
            .unwrap(),
    );
    std::thread::spawn(move || drop(guard)).join().unwrap();
    scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn modes_exclude_as_they_should() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    for (first, second, granted) in [
        ("", "", false),
        ("", " shared", false),
        (" shared", "", false),
        (" shared", " shared", true),
    ] {
        let (mut one, mut two) = (scratch.peer(), scratch.peer());
        assert!(
            one.ask(&format!("acquire app never{first}"))
                .starts_with("held ")
        );
        let answer = two.ask(&format!("acquire app never{second}"));
        assert_eq!(
            answer.starts_with("held "),
            granted,
            "{first:?} then {second:?}: {answer}"
        );
        assert!(granted || answer == "failed Busy");
    }
}

#[test]
fn shared_guard_cannot_remove_or_write() {
    let scratch = Scratch::new();
    let mut guard = scratch
        .locks
        .acquire(&name("app"), &never().mode(Mode::Shared), &mut quiet)
        .unwrap();
    assert_eq!(
        guard.set_what("x").unwrap_err().kind(),
        ErrorKind::NotExclusive
    );
    let kept = guard.remove().unwrap_err();
    assert_eq!(kept.error().kind(), ErrorKind::NotExclusive);
    assert!(
        kept.into_guard().still_current().unwrap(),
        "the guard came back, still held"
    );
}

#[test]
fn loser_changes_no_byte() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let _guard = scratch
        .locks
        .acquire(&name("app"), &never().what("winning"), &mut quiet)
        .unwrap();
    let before = fs::read(scratch.file("app")).unwrap();
    assert_eq!(scratch.peer().ask("acquire app never"), "failed Busy");
    assert_eq!(scratch.peer().ask("acquire app 30"), "failed Busy");
    assert_eq!(fs::read(scratch.file("app")).unwrap(), before);
}

#[test]
fn record_is_private_readable_and_never_shorter() {
    let scratch = Scratch::new();
    let mut guard = scratch
        .locks
        .acquire(&name("app"), &never().what("first"), &mut quiet)
        .unwrap();
    let file = scratch.file("app");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains("\nwhat     first ")
    );
    guard.set_what("second").unwrap();
    assert_eq!(
        scratch.locks.record(&name("app")).unwrap().unwrap().what(),
        "second"
    );
    assert_eq!(
        guard.set_what("a\nb").unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    drop(guard);
    assert!(
        scratch
            .locks
            .record(&name("app"))
            .unwrap()
            .unwrap()
            .released()
    );
    assert_eq!(fs::metadata(&file).unwrap().len(), 896);
}

#[test]
fn panicking_holder_is_a_crash_for_the_next() {
    let scratch = Scratch::new();
    let guard = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    std::thread::spawn(move || {
        let _guard = guard;
        std::panic::resume_unwind(Box::new(()));
    })
    .join()
    .unwrap_err();
    let next = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap();
    assert!(!next.predecessor().unwrap().released());
}

#[test]
fn long_or_odd_texts_are_refused_before_anything_is_touched() {
    let scratch = Scratch::new();
    for request in [
        never().run_id("x".repeat(97)),
        never().what("a\tb"),
        never().trace("x".repeat(401)),
        never().run_id("a "),
    ] {
        let error = scratch
            .locks
            .acquire(&name("app"), &request, &mut quiet)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert!(!scratch.file("app").exists());
}

#[test]
fn several_are_taken_once_each_in_order_or_not_at_all() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let names = [name("b"), name("a"), name("b"), name("c")];
    let guards = scratch
        .locks
        .acquire_all(&names, &never(), &mut quiet)
        .unwrap();
    assert_eq!(
        guards.iter().map(|g| g.name().as_str()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    drop(guards);
    let mut peer = scratch.peer();
    peer.take("c");
    assert!(
        scratch
            .locks
            .acquire_all(&names, &never(), &mut quiet)
            .unwrap_err()
            .is_busy()
    );
    assert!(!scratch.locks.peek(&name("a")).unwrap().is_held());
}

#[test]
fn opposite_orders_do_not_deadlock() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut one, mut two) = (scratch.peer(), scratch.peer());
    let cycles = knob("RUNWARD_LOCK_CYCLES", 10_000);
    one.tell(&format!("cycles {cycles} a b"));
    two.tell(&format!("cycles {cycles} b a"));
    let done = format!("cycles {cycles}");
    assert_eq!((one.hear(), two.hear()), (done.clone(), done));
}
