//! What every implementation of [`Locks`] has to do, as checks that panic with what went wrong.
//!
//! Two handles stand for two holders: for a directory those of two processes, for a server two sessions. A handle that counts
//! the same process as one holder may refuse with [`ErrorKind::AlreadyHeld`] where another says busy; both exclude.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::{ErrorKind, Event, Hold, Locks, Name, Request, State, Wait, quiet};

/// Runs every check on fresh names that begin with `prefix`.
///
/// # Panics
///
/// At the first promise that is not kept.
pub fn check(one: &impl Locks, other: &impl Locks, prefix: &str) {
    let name = |what: &str| Name::slug(format!("{prefix}-{what}"));
    excludes(one, other, &name("excludes"));
    frees_on_drop(one, other, &name("drop"));
    grows(one, other, &name("fence"));
    is_seen(one, other, &name("seen"));
    removes(one, other, &name("remove"));
    refuses_odd_requests(one, &name("odd"));
    tells_of_the_acquire(one, &name("told"));
    keeps_names_apart(one, other, &name("left"), &name("right"));
    waits_no_longer_than_asked(one, other, &name("deadline"));
}

fn never() -> Request<'static> {
    Request::new().wait(Wait::Never)
}

fn take<L: Locks>(locks: &L, name: &Name) -> L::Guard {
    locks
        .acquire(name, &never(), &mut quiet)
        .expect("a free lock is granted at once")
}

fn refused(locks: &impl Locks, name: &Name, request: &Request<'_>) -> ErrorKind {
    match locks.acquire(name, request, &mut quiet) {
        Ok(_) => panic!("lock {name} has two holders"),
        Err(error) => error.kind(),
    }
}

fn excludes(one: &impl Locks, other: &impl Locks, name: &Name) {
    let guard = take(one, name);
    assert_eq!(guard.name(), name);
    let kind = refused(other, name, &never());
    assert!(
        matches!(kind, ErrorKind::Busy | ErrorKind::AlreadyHeld),
        "a held lock is busy, not {kind:?}"
    );
    assert!(
        guard.still_current().expect("a held lock can be asked"),
        "the holder still has it"
    );
    guard.close().expect("a held lock can be released");
    take(other, name)
        .close()
        .expect("a held lock can be released");
}

fn frees_on_drop(one: &impl Locks, other: &impl Locks, name: &Name) {
    drop(take(one, name));
    drop(take(other, name));
}

fn grows(one: &impl Locks, other: &impl Locks, name: &Name) {
    let first = take(one, name);
    let fence = first.fence();
    first.close().expect("a held lock can be released");
    let second = take(other, name);
    assert!(second.fence() > fence, "the fence grows with each holder");
    let fence = second.fence();
    second.remove().expect("a held lock can be removed");
    assert!(
        take(one, name).fence() > fence,
        "the fence grows across a removal"
    );
}

fn is_seen(one: &impl Locks, other: &impl Locks, name: &Name) {
    let held = || other.peek(name).expect("a lock can be looked at").is_held();
    assert!(!held(), "nobody has taken it yet");
    let guard = take(one, name);
    assert!(held(), "a held lock is seen");
    let listed = other.list().expect("locks can be listed");
    let entry = listed
        .iter()
        .find(|entry| entry.name() == name)
        .expect("a held lock is listed");
    assert!(matches!(entry.state(), State::Held(_)));
    for _ in 0..50 {
        held();
    }
    assert!(
        guard.still_current().expect("a held lock can be asked"),
        "looking takes nothing"
    );
    drop(guard);
    assert!(!held(), "a released lock is seen to be free");
}

fn removes(one: &impl Locks, other: &impl Locks, name: &Name) {
    take(one, name)
        .remove()
        .expect("a held lock can be removed");
    let state = other.peek(name).expect("a removed lock can be looked at");
    assert!(matches!(state, State::Absent), "nothing is left of it");
    let listed = other.list().expect("locks can be listed");
    assert!(
        listed.iter().all(|entry| entry.name() != name),
        "nothing is left of it"
    );
}

fn refuses_odd_requests(one: &impl Locks, name: &Name) {
    let odd = never().run_id("two\nlines");
    assert_eq!(refused(one, name, &odd), ErrorKind::InvalidRequest);
}

fn tells_of_the_acquire(one: &impl Locks, name: &Name) {
    let mut told = None;
    let guard = one.acquire(name, &never(), &mut |event| {
        if let Event::Acquired { name, fence, .. } = event {
            told = Some(((*name).clone(), *fence));
        }
        ControlFlow::Continue(())
    });
    let guard = guard.expect("a free lock is granted at once");
    assert_eq!(
        told,
        Some((name.clone(), guard.fence())),
        "the observer hears of the acquire"
    );
}

fn keeps_names_apart(one: &impl Locks, other: &impl Locks, left: &Name, right: &Name) {
    let held = take(one, left);
    drop(take(other, right));
    drop(held);
}

fn waits_no_longer_than_asked(one: &impl Locks, other: &impl Locks, name: &Name) {
    let _held = take(one, name);
    let started = Instant::now();
    let kind = refused(
        other,
        name,
        &Request::new().wait(Wait::Until(started + Duration::from_millis(50))),
    );
    let waited = started.elapsed();
    let at_once = kind == ErrorKind::AlreadyHeld;
    assert!(
        at_once || kind == ErrorKind::Busy && waited >= Duration::from_millis(50),
        "{kind:?} after {waited:?}"
    );
    assert!(
        waited < Duration::from_secs(10),
        "{waited:?} is no deadline of 50 ms"
    );
}
