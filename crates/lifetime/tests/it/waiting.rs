//! Between `arm` and `start`: the time in which an owner waits for its locks.

use runward_lifetime::{Cause, Containment, Finisher};
use rustix::process::Signal;

use crate::harness::{Scratch, Subject, children, hang_guard, lines, send};

fn armed(scratch: &Scratch, option: &[&str]) -> Subject {
    let mut subject = Subject::start();
    subject.program(&["touch", &scratch.text("ran")], Containment::Subreaper);
    subject.tell(&scratch.teardown("touch torn"));
    subject.tell(&["record", &scratch.text("record")]);
    if !option.is_empty() {
        subject.tell(option);
    }
    assert_eq!(subject.ask(&["arm"]), "armed");
    subject
}

fn nothing_was_done(scratch: &Scratch) {
    assert!(!scratch.path("ran").exists());
    assert!(!scratch.path("torn").exists());
}

#[test]
fn who_gives_up_leaves_nothing_but_a_record() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = armed(&scratch, &[]);
    assert_eq!(subject.ask(&["cancelled"]), "null");
    subject.tell(&["abandon"]);
    let outcome = subject.outcome();
    assert_eq!((outcome.exit_code(), outcome.program()), (125, None));
    assert_eq!(outcome.finished_by(), Finisher::Owner);
    assert_eq!(lines(&scratch.path("record")).len(), 1);
    assert!(children(subject.owner()).is_empty(), "the guardian is left");
    nothing_was_done(&scratch);
}

#[test]
fn a_signal_is_seen_while_waiting() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = armed(&scratch, &[]);
    subject.tell(&["await-cancel"]);
    send(subject.owner(), Signal::INT);
    let cause: Cause = serde_json::from_str(&subject.hear()).unwrap();
    let expected = Cause::Cancelled {
        signal: 2,
        sender_pid: Some(std::process::id() as i32),
    };
    assert_eq!(cause, expected);
    subject.tell(&["abandon"]);
    let outcome = subject.outcome();
    assert_eq!((outcome.cause(), outcome.exit_code()), (&expected, 130));
    nothing_was_done(&scratch);
}

#[test]
fn a_signal_that_came_while_waiting_cancels_the_work() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = Subject::start();
    subject.program(&["sleep", "600"], Containment::Subreaper);
    subject.tell(&["record", &scratch.text("record")]);
    assert_eq!(subject.ask(&["arm"]), "armed");
    subject.tell(&["await-cancel"]);
    send(subject.owner(), Signal::TERM);
    assert_ne!(subject.hear(), "null");
    assert_eq!(subject.ask(&["start"]), "started");
    subject.tell(&["wait"]);
    assert_eq!(subject.outcome().exit_code(), 143);
    assert_eq!(lines(&scratch.path("record")).len(), 1);
}

#[test]
fn the_deadline_counts_from_arming() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = armed(&scratch, &["deadline", "0"]);
    assert_eq!(subject.ask(&["cancelled"]), r#"{"kind":"deadline"}"#);
    subject.tell(&["abandon"]);
    assert_eq!(subject.outcome().exit_code(), 142);
    nothing_was_done(&scratch);
}

#[test]
fn an_owner_killed_while_waiting_has_done_nothing() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = armed(&scratch, &[]);
    subject.kill_owner();
    assert_eq!(subject.hear(), "", "the guardian ends, too");
    assert!(!scratch.path("record").exists() || lines(&scratch.path("record")).is_empty());
    nothing_was_done(&scratch);
}

#[test]
fn a_guardian_killed_while_waiting_is_done_without() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = armed(&scratch, &[]);
    send(subject.guardian(), Signal::KILL);
    assert_eq!(subject.ask(&["start"]), "started");
    subject.tell(&["wait"]);
    let outcome = subject.outcome();
    assert_eq!(
        (outcome.exit_code(), outcome.finished_by()),
        (0, Finisher::Owner)
    );
    assert!(scratch.path("ran").exists() && scratch.path("torn").exists());
    assert_eq!(lines(&scratch.path("record")).len(), 1);
}

/// Not even as a zombie, which would be a child that nobody reaps.
#[test]
fn a_guardian_that_is_not_needed_is_gone_at_once() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    for (last, answer) in [("drop", "dropped"), ("start", "failed Journal")] {
        let mut subject = Subject::start();
        std::fs::write(scratch.path("journal"), "theirs").unwrap();
        subject.program(&["true"], Containment::Subreaper);
        subject.tell(&["journal", &scratch.text("journal")]);
        assert_eq!(subject.ask(&["arm"]), "armed");
        send(subject.guardian(), Signal::STOP);
        assert!(subject.ask(&[last]).starts_with(answer));
        assert!(children(subject.owner()).is_empty(), "{last}");
    }
}
