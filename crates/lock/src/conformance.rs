//! What every implementation of [`Locks`] has to do, as checks that panic with what went wrong.
//!
//! Two handles stand for two holders: for a directory those of two processes, for a server two sessions. A handle that counts
//! the same process as one holder may refuse with [`ErrorKind::AlreadyHeld`] where another says busy; both exclude.

mod memory;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::{ErrorKind, Event, Hold, Locks, Name, Record, Request, State, Wait, quiet};

pub use memory::{Held, Memory};

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
    records_the_holder(one, other, &name("record"));
    keeps_what_is_unfinished(one, other, &name("trace"));
    takes_all_or_none(one, other, [name("a"), name("b"), name("c")]);
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
        if let Event::Acquired {
            name,
            fence,
            waited,
        } = event
        {
            told = Some(((*name).clone(), *fence, *waited));
        }
        ControlFlow::Continue(())
    });
    let guard = guard.expect("a free lock is granted at once");
    assert_eq!(
        told,
        Some((name.clone(), guard.fence(), guard.waited())),
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

fn record(locks: &impl Locks, name: &Name) -> Record {
    let record = locks.record(name).expect("a record can be read");
    record.expect("a holder leaves a record")
}

fn close(guard: impl Hold) {
    guard.close().expect("a held lock can be released");
}

fn records_the_holder(one: &impl Locks, other: &impl Locks, name: &Name) {
    let none = other.record(name).expect("a record can be read");
    assert!(none.is_none(), "nobody has left a record yet");
    let request = never().run_id("run").what("what").trace("/trace");
    let guard = one.acquire(name, &request, &mut quiet);
    let guard = guard.expect("a free lock is granted at once");
    assert!(guard.predecessor().is_none(), "nobody was there before");
    let left = record(other, name);
    let texts = (left.run_id(), left.what(), left.trace());
    assert_eq!(texts, ("run", "what", "/trace"));
    assert_eq!((left.fence(), left.released()), (guard.fence(), false));
    close(guard);
    assert!(record(other, name).released(), "a release is recorded");
    let next = take(other, name);
    let last = next.predecessor().expect("somebody was there before");
    assert_eq!((last.run_id(), last.released()), ("run", true));
}

/// Whoever is killed is stood for by one who leaves.
fn keeps_what_is_unfinished(one: &impl Locks, other: &impl Locks, name: &Name) {
    let traced = |locks: &_, trace| acquire_traced(locks, name, trace);
    traced(one, "/killed").leave();
    for _ in 0..2 {
        let heir = acquire_traced(other, name, "/heir");
        let dead = heir.predecessor().expect("somebody was there before");
        assert_eq!((dead.trace(), dead.released()), ("/killed", false));
        assert_eq!(record(one, name).trace(), "/killed", "it is not settled");
        close(heir);
    }
    let mut heir = traced(one, "/heir");
    heir.settle("/settled").expect("a holder can settle");
    assert_eq!(record(one, name).trace(), "/settled");
    close(heir);
    let next = traced(one, "/next");
    let last = next.predecessor().expect("somebody was there before");
    assert_eq!((last.trace(), last.released()), ("/settled", true));
    assert_eq!(record(one, name).trace(), "/next");
}

fn acquire_traced<L: Locks>(locks: &L, name: &Name, trace: &str) -> L::Guard {
    let request = never().trace(trace.to_owned());
    let guard = locks.acquire(name, &request, &mut quiet);
    guard.expect("a free lock is granted at once")
}

fn takes_all_or_none(one: &impl Locks, other: &impl Locks, names: [Name; 3]) {
    let [a, b, c] = &names;
    let mixed = [b.clone(), a.clone(), c.clone(), b.clone()];
    let all = one.acquire_all(&mixed, &never(), &mut quiet);
    let all = all.expect("free locks are granted at once");
    let order: Vec<_> = all.iter().map(Hold::name).collect();
    assert_eq!(order, [a, b, c], "each once, in the order of the names");
    drop(all);
    let busy = take(other, c);
    assert!(one.acquire_all(&mixed, &never(), &mut quiet).is_err());
    drop((take(other, a), take(other, b)));
    drop(busy);
}
