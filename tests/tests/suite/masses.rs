//! A fork bomb, and ten thousand daemons.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runward_tests::binaries::fixture;
use runward_tests::bomb::Bomb;
use runward_tests::procs;
use runward_tests::skip::{is_root, skip};
use runward_tests::sweep::sweep;
use runward_tests::{Line, Record, Sandbox, Then};
use rustix::process::Signal;

use crate::expected::{CGROUP, Containment, PIDNS, SUBREAPER};

/// One mass at a time: two of them measure nothing but the patience of the machine.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bomb_ends(test: &str, held_by: &Containment, signal: Signal) {
    assert!(held_by.holds_bombs);
    let reason = held_by
        .missing()
        .or((!is_root()).then_some("needs root, to become a user with a process limit"));
    if let Some(reason) = reason {
        return skip(test, reason);
    }
    let _alone = alone();
    let sandbox = Sandbox::new(60);
    let bomb = Bomb::new();
    let mut line = sandbox.line();
    let run = sandbox
        .run()
        .containment(held_by.name)
        .option("--grace", "0.2s");
    let running = run.program(bomb.command(&sandbox, &line)).spawn();
    running.wait_word(&mut line, "full");
    let guardian = running.guardian().pidfd();
    running.signal(signal);
    running.wait();
    if let Some(guardian) = guardian {
        assert!(
            procs::wait_end(&guardian, sandbox.until()),
            "the guardian is still at it"
        );
    }
    assert!(
        line.ended_by(sandbox.within(Duration::from_millis(100))),
        "{} still fork",
        sandbox.survivors().len()
    );
}

macro_rules! bombs {
    ($($test:ident: $held_by:expr, $signal:ident;)*) => {$(
        #[test]
        fn $test() {
            bomb_ends(stringify!($test), &$held_by, Signal::$signal);
        }
    )*};
}

bombs! {
    bomb_in_a_cgroup_cancelled: CGROUP, TERM;
    bomb_in_a_cgroup_owner_killed: CGROUP, KILL;
    bomb_in_a_namespace_cancelled: PIDNS, TERM;
    bomb_in_a_namespace_owner_killed: PIDNS, KILL;
    bomb_below_a_subreaper_cancelled: SUBREAPER, TERM;
    bomb_below_a_subreaper_owner_killed: SUBREAPER, KILL;
}

const DAEMONS: &str = "10000";

fn daemons(sandbox: &Sandbox, line: &Line, more: &[&str]) -> Vec<std::ffi::OsString> {
    let mut words: Vec<std::ffi::OsString> = vec![fixture("daemons").into()];
    words.extend(["--token", sandbox.token(), "--count", DAEMONS, "--line"].map(Into::into));
    words.push(line.path().into());
    words.extend(more.iter().map(Into::into));
    words
}

/// All are killed, and none is left out of the record. On a busy machine the kernel may take longer to bury
/// ten thousand than runward waits; then the record must say so.
#[track_caller]
fn assert_ended(sandbox: &Sandbox, record: &Record) {
    let left = sandbox.survivors().len();
    assert!(
        left == 0 || !record.survivors.is_empty(),
        "{left} are left, and the record knows of none"
    );
    assert!(
        sandbox.everyone_ended_by(sandbox.until()),
        "{} are left",
        sandbox.survivors().len()
    );
}

#[test]
fn ten_thousand_daemons_left() {
    let _alone = alone();
    let sandbox = Sandbox::new(90);
    let line = sandbox.line();
    let ended = sandbox
        .run()
        .program(daemons(&sandbox, &line, &[]))
        .finish();
    assert_ended(&sandbox, &ended.record());
    ended.assert_code(0);
    assert!(!ended.record().leaks.is_empty());
}

#[test]
fn ten_thousand_daemons_of_a_killed_owner() {
    let _alone = alone();
    let sandbox = Sandbox::new(90);
    let mut line = sandbox.line();
    let words = daemons(&sandbox, &line, &["--wait"]);
    let running = sandbox.run().program(words).spawn_ready(&mut line);
    let guardian = running.guardian().pidfd().expect("the guardian lives");
    running.signal(Signal::KILL);
    assert!(
        procs::wait_end(&guardian, sandbox.until()),
        "the guardian is still at it"
    );
    assert_ended(&sandbox, &Record::read(running.result()));
}

#[test]
fn allowed_leaks_live_on() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let plant = sandbox
        .plant()
        .line(&line)
        .leaves(&[runward_tests::Leaf::Session])
        .then(Then::Exit(0));
    let run = sandbox.run().option("--leaks", "allow");
    let ended = run.program(plant.command()).finish();
    ended.assert_code(0);
    assert!(
        !line.ended_by(sandbox.within(Duration::from_millis(100))),
        "the leaf was allowed to stay"
    );
    assert_eq!(sandbox.survivors().len(), 1);
    let run = ended.record().run_id;
    let names_it = |object: &String| object.starts_with("cgroup ") && object.contains(&run);
    let swept = sweep(&sandbox, ["--json"]);
    assert!(!swept.done().iter().any(names_it), "it was allowed to stay");
    sandbox.survivors()[0].signal(Signal::KILL);
    line.wait_end();
    assert!(sandbox.everyone_ended_by(sandbox.until()));
    let swept = sweep(&sandbox, ["--json"]);
    swept.assert_code(0);
    let held_by = ended.record().containment;
    assert_eq!(
        swept.done().iter().any(names_it),
        held_by.as_deref() == Some("cgroup"),
        "{:?}",
        swept.done()
    );
}
