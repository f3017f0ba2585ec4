//! SIGKILL of the owner, of the guardian.

use runward_lifetime::{Cause, Containment, Finisher, Outcome, Status};
use rustix::process::Signal;

use crate::harness::{
    ALL, Gate, Line, Scratch, Subject, available, await_stopped, hang_guard, lines, send,
};

/// A run whose program waits at a gate, with a record, a teardown and something kept.
struct Run {
    scratch: Scratch,
    subject: Subject,
    alive: Line,
    kept: Line,
    go: Gate,
}

impl Run {
    fn start(containment: Containment, script: &str) -> Self {
        let scratch = Scratch::new();
        let (mut alive, kept) = (scratch.line("alive"), scratch.line("kept"));
        let go = scratch.gate("go");
        let mut subject = Subject::start();
        subject.program(&scratch.shell(script), containment);
        subject.tell(&scratch.teardown("echo torn >>log"));
        subject.tell(&["record", &scratch.text("record")]);
        subject.tell(&["progress", &scratch.text("progress")]);
        subject.tell(&["journal", &scratch.text("journal")]);
        assert_eq!(subject.ask(&["arm"]), "armed");
        subject.tell(&["keep", &scratch.text("kept")]);
        assert_eq!(subject.ask(&["start"]), "started");
        subject.tell(&["wait"]);
        assert_eq!(alive.hear(), "ready");
        Self {
            scratch,
            subject,
            alive,
            kept,
            go,
        }
    }

    /// What the hook was told, which must be once.
    fn record(&self) -> Outcome {
        let told = lines(&self.scratch.path("record"));
        assert_eq!(told.len(), 1, "{told:?}");
        serde_json::from_str(&told[0]).unwrap()
    }
}

const DAEMON: &str = "setsid sh -c 'echo ready >&9; exec sleep 600' & read x <go; exit 5";
/// Nobody finds a daemon in a group.
const CHILD: &str = "sh -c 'echo ready >&9; exec sleep 600' & read x <go; exit 5";

fn script(containment: Containment) -> &'static str {
    match containment {
        Containment::Group => CHILD,
        _ => DAEMON,
    }
}

#[test]
fn the_guardian_finishes_for_a_killed_owner() {
    let _hang = hang_guard();
    for containment in available("the_guardian_finishes_for_a_killed_owner", &ALL) {
        let mut run = Run::start(containment, script(containment));
        run.subject.kill_owner();
        run.kept.end();
        assert!(run.alive.has_ended(), "{containment}");
        assert_eq!(run.scratch.read("log"), "torn\n");
        let outcome = run.record();
        assert_eq!(outcome.cause(), &Cause::OwnerKilled);
        assert_eq!(outcome.exit_code(), 137);
        assert_eq!(outcome.finished_by(), Finisher::Guardian);
        assert!(!run.scratch.path("journal").exists());
    }
}

#[test]
fn the_owner_goes_on_for_a_killed_guardian() {
    let _hang = hang_guard();
    for containment in available("the_owner_goes_on_for_a_killed_guardian", &ALL) {
        let mut run = Run::start(containment, script(containment));
        send(run.subject.guardian(), Signal::KILL);
        run.go.open();
        let outcome = run.subject.outcome();
        assert!(run.alive.has_ended(), "{containment}");
        run.kept.end();
        assert_eq!(outcome.program(), Some(Status::Code(5)), "{containment}");
        assert_eq!(outcome.finished_by(), Finisher::Owner);
        // A namespace ends with its program when nobody hears of that.
        let named = usize::from(containment != Containment::PidNamespace);
        assert_eq!(outcome.leaks().len(), named, "{containment}");
        assert_eq!(run.record(), outcome);
        assert_eq!(run.scratch.read("log"), "torn\n");
        assert!(!run.scratch.path("journal").exists());
    }
}

#[test]
fn a_signal_after_the_guardians_death_still_cancels() {
    let _hang = hang_guard();
    for containment in available("a_signal_after_the_guardians_death_still_cancels", &ALL) {
        let mut run = Run::start(containment, script(containment));
        send(run.subject.guardian(), Signal::KILL);
        send(run.subject.owner(), Signal::TERM);
        let outcome = run.subject.outcome();
        assert_eq!(outcome.exit_code(), 143, "{containment}");
        assert!(run.alive.has_ended(), "{containment}");
        assert_eq!(run.record(), outcome);
        assert_eq!(run.scratch.read("log"), "torn\n");
    }
}

/// Without a guardian the owner has the clocks itself, and they stand still only while it does.
#[test]
fn an_owner_without_a_guardian_stops_when_it_is_told_to() {
    let _hang = hang_guard();
    let test = "an_owner_without_a_guardian_stops_when_it_is_told_to";
    for containment in available(test, &ALL) {
        let mut run = Run::start(containment, script(containment));
        send(run.subject.guardian(), Signal::KILL);
        run.scratch.await_text("progress", "guardian-lost");
        send(run.subject.owner(), Signal::TSTP);
        await_stopped(run.subject.owner(), true);
        send(run.subject.owner(), Signal::CONT);
        await_stopped(run.subject.owner(), false);
        run.go.open();
        let outcome = run.subject.outcome();
        assert_eq!(outcome.program(), Some(Status::Code(5)), "{containment}");
        assert!(run.alive.has_ended());
    }
}

/// The teardown has begun and is not begun again.
#[test]
fn a_killed_guardians_teardown_is_waited_for() {
    let _hang = hang_guard();
    for containment in available("a_killed_guardians_teardown_is_waited_for", &ALL) {
        let scratch = Scratch::new();
        let (mut down, go) = (scratch.line("down"), scratch.gate("go"));
        let mut subject = Subject::start();
        subject.program(&["true"], containment);
        subject.tell(
            &scratch.teardown(
                "exec 8>down; echo first >>log; echo begun >&8; read x <go; echo end >>log",
            ),
        );
        subject.tell(&scratch.teardown("echo second >>log"));
        subject.tell(&["record", &scratch.text("record")]);
        subject.tell(&["journal", &scratch.text("journal")]);
        subject.tell(&["run"]);
        assert_eq!(down.hear(), "begun");
        send(subject.guardian(), Signal::KILL);
        go.open();
        let outcome = subject.outcome();
        assert_eq!(outcome.exit_code(), 0, "{containment}");
        assert_eq!(scratch.read("log"), "first\nend\nsecond\n", "{containment}");
        assert_eq!(lines(&scratch.path("record")).len(), 1);
        assert!(outcome.teardowns()[1].succeeded());
    }
}

/// Whoever tears down: nothing changes, and people can see that it was heard.
#[test]
fn a_signal_during_the_teardown_is_told() {
    let _hang = hang_guard();
    for guardian in [true, false] {
        let scratch = Scratch::new();
        let (mut down, go) = (scratch.line("down"), scratch.gate("go"));
        let mut subject = Subject::start();
        subject.program(&["true"], Containment::Subreaper);
        subject.tell(&scratch.teardown("echo begun >down; read x <go; echo torn >>log"));
        for hook in ["events", "progress"] {
            subject.tell(&[hook, &scratch.text(hook)]);
        }
        subject.tell(&["run"]);
        assert_eq!(down.hear(), "begun");
        if !guardian {
            send(subject.guardian(), Signal::KILL);
            scratch.await_text("progress", "guardian-lost");
        }
        send(subject.owner(), Signal::TERM);
        let told = r#"{"event":"ignored","signal":15,"more":null}"#;
        scratch.await_text("progress", told);
        go.open();
        assert_eq!(subject.outcome().exit_code(), 0);
        assert!(scratch.read("events").contains(told));
        assert_eq!(scratch.read("log"), "torn\n");
    }
}

#[test]
fn an_owner_killed_during_the_teardown_changes_nothing() {
    let _hang = hang_guard();
    for containment in available("an_owner_killed_during_the_teardown_changes_nothing", &ALL) {
        let scratch = Scratch::new();
        let (mut down, mut kept) = (scratch.line("down"), scratch.line("kept"));
        let go = scratch.gate("go");
        let mut subject = Subject::start();
        subject.program(&["sh", "-c", "exit 3"], containment);
        subject.tell(&scratch.teardown("echo begun >down; read x <go; echo torn >>log"));
        subject.tell(&["record", &scratch.text("record")]);
        subject.ask(&["arm"]);
        subject.tell(&["keep", &scratch.text("kept")]);
        subject.ask(&["start"]);
        subject.tell(&["wait"]);
        assert_eq!(down.hear(), "begun");
        subject.kill_owner();
        go.open();
        kept.end();
        assert_eq!(scratch.read("log"), "torn\n");
        let told = lines(&scratch.path("record"));
        assert_eq!(told.len(), 1);
        let outcome: Outcome = serde_json::from_str(&told[0]).unwrap();
        assert_eq!(outcome.exit_code(), 3, "the first cause counts");
    }
}

/// The owner is above them, and everything else below it is the run's.
#[test]
fn children_from_before_are_spared_by_an_owner_that_goes_on() {
    let _hang = hang_guard();
    let test = "children_from_before_are_spared_by_an_owner_that_goes_on";
    for containment in available(test, &ALL) {
        let scratch = Scratch::new();
        let (mut alive, mut before) = (scratch.line("alive"), scratch.line("before"));
        let (go, end) = (scratch.gate("go"), scratch.gate("end"));
        let mut subject = Subject::start();
        let (line, gate) = (scratch.text("before"), scratch.text("end"));
        let child = format!("exec >{line}; echo here; read x <{gate}; echo lived");
        subject.tell(&["child", &child]);
        assert_eq!(before.hear(), "here");
        subject.program(&scratch.shell(script(containment)), containment);
        subject.tell(&scratch.teardown("sleep 600 & echo torn >>log"));
        assert_eq!(subject.ask(&["arm"]), "armed");
        let guardian = subject.guardian();
        assert_eq!(subject.ask(&["start"]), "started");
        subject.tell(&["wait"]);
        assert_eq!(alive.hear(), "ready");
        send(guardian, Signal::KILL);
        go.open();
        assert_eq!(subject.outcome().exit_code(), 5, "{containment}");
        assert!(alive.has_ended());
        assert_eq!(scratch.read("log"), "torn\n");
        assert!(!before.has_ended(), "{containment}");
        end.open();
        assert_eq!(before.end(), "lived\n");
    }
}
