//! The death of a process above the owner, and of a thread.

use runward_lifetime::{Cause, Containment};
use rustix::process::Signal;

use crate::harness::{Scratch, Subject, hang_guard, send};

fn waiting(subject: &mut Subject, scratch: &Scratch) -> crate::harness::Line {
    let mut alive = scratch.line("alive");
    let script = "echo ready >&9; read x <go";
    subject.program(&scratch.shell(script), Containment::Subreaper);
    subject.tell(&scratch.teardown("echo torn >>log"));
    subject.tell(&["run"]);
    assert_eq!(alive.hear(), "ready");
    alive
}

#[test]
fn a_dead_grandparent_cancels_the_run() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    scratch.gate("go");
    let mut subject = Subject::below_a_shell();
    let mut alive = waiting(&mut subject, &scratch);
    let shell = subject.above();
    send(shell, Signal::KILL);
    let outcome = subject.outcome();
    assert_eq!(outcome.cause(), &Cause::Ancestor { pid: shell });
    assert_eq!(outcome.exit_code(), 143);
    assert!(alive.has_ended());
    assert_eq!(scratch.read("log"), "torn\n");
}

#[test]
fn a_dead_parent_cancels_the_run() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    scratch.gate("go");
    let mut subject = Subject::start();
    let mut alive = waiting(&mut subject, &scratch);
    let parent = subject.above();
    send(parent, Signal::KILL);
    assert_eq!(subject.outcome().cause(), &Cause::Ancestor { pid: parent });
    assert!(alive.has_ended());
}

#[test]
fn an_ancestor_that_is_dead_before_the_start_is_seen_while_waiting() {
    let _hang = hang_guard();
    let mut subject = Subject::below_a_shell();
    subject.program(&["true"], Containment::Subreaper);
    assert_eq!(subject.ask(&["arm"]), "armed");
    subject.tell(&["await-cancel"]);
    let shell = subject.above();
    send(shell, Signal::KILL);
    let expected = format!(r#"{{"kind":"ancestor","ancestor_pid":{shell}}}"#);
    assert_eq!(subject.hear(), expected);
}

/// `PR_SET_PDEATHSIG` would take the end of the thread for that of the parent.
#[test]
fn a_run_outlives_the_thread_that_started_its_owner() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let go = scratch.gate("go");
    let mut subject = std::thread::spawn(Subject::start).join().unwrap();
    let mut alive = waiting(&mut subject, &scratch);
    assert!(alive.is_silent());
    go.open();
    assert_eq!(subject.outcome().cause(), &Cause::Exited);
}
