//! A run from its beginning to its end.

use runward_lifetime::{Cause, Containment, Finisher, Outcome, Output, Status};
use rustix::process::Signal;

use crate::harness::{ALL, Scratch, Subject, available, clear_away, hang_guard, lines, send};

fn code(outcome: &Outcome) -> (Option<Status>, u8) {
    (outcome.program(), outcome.exit_code())
}

#[test]
fn the_programs_code_is_the_runs() {
    let _hang = hang_guard();
    for containment in available("the_programs_code_is_the_runs", &ALL) {
        for own in [0, 3, 255] {
            let mut subject = Subject::start();
            subject.program(&["sh", "-c", &format!("exit {own}")], containment);
            let outcome = subject.run();
            assert_eq!(code(&outcome), (Some(Status::Code(own)), own as u8));
            assert_eq!(outcome.cause(), &Cause::Exited);
            assert_eq!(outcome.containment(), containment);
            assert_eq!(outcome.finished_by(), Finisher::Guardian);
            assert!(outcome.leaks().is_empty() && outcome.survivors().is_empty());
            assert!(outcome.started() <= outcome.ended());
        }
    }
}

#[test]
fn a_signal_of_the_programs_own_is_told_from_a_cancel() {
    let _hang = hang_guard();
    let test = "a_signal_of_the_programs_own_is_told_from_a_cancel";
    for containment in available(test, &ALL) {
        let mut subject = Subject::start();
        subject.program(&["sh", "-c", "kill -KILL $$"], containment);
        let outcome = subject.run();
        assert_eq!(outcome.cause(), &Cause::Signaled { signal: 9 });
        assert_eq!(code(&outcome), (Some(Status::Signal(9)), 137));
    }
}

#[test]
fn a_cancel_names_signal_and_sender_and_takes_the_whole_tree() {
    let _hang = hang_guard();
    let test = "a_cancel_names_signal_and_sender_and_takes_the_whole_tree";
    for containment in available(test, &ALL) {
        let scratch = Scratch::new();
        let mut alive = scratch.line("alive");
        let mut subject = Subject::start();
        // A child that ignores SIGTERM, and a parent that has ended.
        let script =
            "(trap '' TERM; echo stubborn >&9; while :; do sleep 60; done) & echo main >&9; wait";
        subject.program(&scratch.shell(script), containment);
        subject.tell(&["grace", "200"]);
        subject.tell(&scratch.teardown("echo torn >>log"));
        subject.tell(&["run"]);
        let mut said = [alive.hear(), alive.hear()];
        said.sort();
        assert_eq!(said, ["main", "stubborn"]);
        send(subject.owner(), Signal::HUP);
        let outcome = subject.outcome();
        let cause = Cause::Cancelled {
            signal: 1,
            sender_pid: Some(std::process::id() as i32),
        };
        assert_eq!(outcome.cause(), &cause, "{containment}");
        assert_eq!(outcome.exit_code(), 129);
        assert!(alive.has_ended(), "{containment}");
        assert!(outcome.survivors().is_empty());
        assert!(outcome.teardowns()[0].succeeded());
        assert_eq!(scratch.read("log"), "torn\n");
    }
}

/// In a session of its own, its parent dead: nobody's child, nobody's group.
const DAEMON: &str =
    "setsid sh -c 'setsid sh -c \"echo daemon >&9; exec sleep 600\" & exit 0'; read x <go";

#[test]
fn a_daemon_is_named_and_does_not_survive() {
    let _hang = hang_guard();
    let strong = [
        Containment::Cgroup,
        Containment::PidNamespace,
        Containment::Subreaper,
    ];
    for containment in available("a_daemon_is_named_and_does_not_survive", &strong) {
        let scratch = Scratch::new();
        let (mut alive, go) = (scratch.line("alive"), scratch.gate("go"));
        let mut subject = Subject::start();
        subject.program(&scratch.shell(DAEMON), containment);
        subject.tell(&["run"]);
        assert_eq!(alive.hear(), "daemon");
        go.open();
        let outcome = subject.outcome();
        assert!(alive.has_ended(), "{containment}");
        assert_eq!(outcome.cause(), &Cause::Exited);
        let leaks: Vec<_> = outcome.leaks().iter().map(|l| l.command.as_str()).collect();
        assert_eq!(leaks, ["sleep 600"], "{containment}");
    }
}

/// What is known of it helps to find out where it comes from, and who waits for it.
#[test]
fn a_leak_is_named_with_parent_program_age_and_what_it_holds() {
    let _hang = hang_guard();
    let strong = [Containment::Cgroup, Containment::Subreaper];
    let test = "a_leak_is_named_with_parent_program_age_and_what_it_holds";
    for containment in available(test, &strong) {
        let scratch = Scratch::new();
        let (mut alive, go) = (scratch.line("alive"), scratch.gate("go"));
        let mut subject = Subject::start();
        // One keeps the subject's output, a pipe, on another descriptor; the other keeps nothing.
        let script = format!(
            "exec 7>&1; exec 9>{} >/dev/null 2>&1; setsid sh -c 'echo one >&9; exec sleep 600' & \
             setsid sh -c 'exec 7>&-; echo two >&9; exec sleep 601' & read x <{}",
            scratch.text("alive"),
            scratch.text("go")
        );
        subject.program(&["sh", "-c", &script], containment);
        subject.tell(&["record", &scratch.text("record")]);
        subject.tell(&["run"]);
        alive.hear();
        alive.hear();
        let guardian = subject.guardian();
        go.open();
        let outcome = subject.outcome();
        let leak = |command: &str| {
            let found = outcome.leaks().iter().find(|leak| leak.command == command);
            found.unwrap_or_else(|| panic!("{:#?}", outcome.leaks()))
        };
        let (one, two) = (leak("sleep 600"), leak("sleep 601"));
        assert_eq!(one.ppid, Some(guardian), "{containment}");
        let exe = one.exe.as_deref().unwrap();
        assert!(exe.starts_with('/'), "{exe}");
        assert!(one.age_ms < Some(60_000), "{one:?}");
        assert!(one.outputs.contains(&Output::Stdout), "{one:?}");
        assert!(two.outputs.is_empty(), "{two:?}");
        let told: Outcome = serde_json::from_str(&scratch.read("record")).unwrap();
        assert_eq!(told.leaks(), outcome.leaks());
    }
}

#[test]
fn a_daemon_stays_where_that_is_allowed() {
    let _hang = hang_guard();
    let kept = [Containment::Cgroup, Containment::Subreaper];
    for containment in available("a_daemon_stays_where_that_is_allowed", &kept) {
        let scratch = Scratch::new();
        let (mut alive, go, end) = (
            scratch.line("alive"),
            scratch.gate("go"),
            scratch.gate("end"),
        );
        let mut subject = Subject::start();
        let script = "setsid sh -c 'echo daemon $$ >&9; read x <end; echo late >&9' & read x <go";
        subject.program(&scratch.shell(script), containment);
        subject.tell(&["leaks", "allow"]);
        subject.tell(&["run"]);
        let daemon = alive.hear();
        go.open();
        let outcome = subject.outcome();
        let leak = format!("daemon {}", outcome.leaks()[0].pid);
        assert_eq!(leak, daemon, "{containment}");
        end.open();
        assert_eq!(alive.end(), "late\n", "{containment}");
        clear_away(&outcome);
    }
}

#[test]
fn what_is_kept_is_closed_last() {
    let _hang = hang_guard();
    for containment in available("what_is_kept_is_closed_last", &ALL) {
        let scratch = Scratch::new();
        let (mut alive, mut kept) = (scratch.line("alive"), scratch.line("kept"));
        let (go, down) = (scratch.gate("go"), scratch.gate("down"));
        let mut subject = Subject::start();
        subject.program(&scratch.shell("echo ready >&9; read x <go"), containment);
        subject.tell(&scratch.teardown("read x <down; echo torn >>log"));
        subject.tell(&["record", &scratch.text("record")]);
        assert_eq!(subject.ask(&["arm"]), "armed");
        subject.tell(&["keep", &scratch.text("kept")]);
        assert_eq!(subject.ask(&["start"]), "started");
        subject.tell(&["wait"]);
        assert_eq!(alive.hear(), "ready");
        assert!(!kept.has_ended());
        go.open();
        alive.end();
        assert!(
            kept.is_silent(),
            "{containment}: closed before the teardown"
        );
        down.open();
        assert_eq!(kept.end(), "");
        assert_eq!(scratch.read("log"), "torn\n");
        assert_eq!(lines(&scratch.path("record")).len(), 1);
        assert_eq!(subject.outcome().exit_code(), 0);
    }
}

#[test]
fn what_is_kept_can_be_released_by_hand() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut kept = scratch.line("kept");
    let mut subject = Subject::start();
    subject.program(&["true"], Containment::Subreaper);
    subject.tell(&["released", &scratch.text("released")]);
    subject.ask(&["arm"]);
    subject.tell(&["keep", &scratch.text("kept")]);
    subject.tell(&["keep", &scratch.text("other")]);
    subject.ask(&["start"]);
    subject.tell(&["wait"]);
    assert_eq!(subject.outcome().exit_code(), 0);
    kept.end();
    assert_eq!(scratch.read("released"), "2\n");
}

#[test]
fn the_record_is_told_once_and_is_the_outcome() {
    let _hang = hang_guard();
    for containment in available("the_record_is_told_once_and_is_the_outcome", &ALL) {
        let scratch = Scratch::new();
        let mut subject = Subject::start();
        subject.program(&["sh", "-c", "exit 7"], containment);
        subject.tell(&["id", "my-run"]);
        subject.tell(&["record", &scratch.text("record")]);
        let outcome = subject.run();
        assert_eq!(outcome.run_id(), "my-run");
        let told = lines(&scratch.path("record"));
        let told: Vec<Outcome> = told
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(told, [outcome]);
    }
}

#[test]
fn events_come_in_order() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = Subject::start();
    subject.program(&["true"], Containment::Subreaper);
    subject.tell(&scratch.teardown("exit 4"));
    subject.tell(&["events", &scratch.text("events")]);
    subject.tell(&["record", &scratch.text("record")]);
    let outcome = subject.run();
    assert_eq!(outcome.teardowns()[0].code, Some(4));
    let name = |line: &String| -> String {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["event"].as_str().unwrap().to_owned()
    };
    let names: Vec<_> = lines(&scratch.path("events")).iter().map(name).collect();
    let all = [
        "started",
        "program-ended",
        "empty",
        "teardown",
        "torn-down",
        "finished",
    ];
    assert_eq!(names, all);
}

/// On a disk or in memory, it does not grow without end.
#[test]
fn a_teardown_that_prints_much_keeps_only_the_end_of_it() {
    let _hang = hang_guard();
    for journal in [true, false] {
        let scratch = Scratch::new();
        let mut subject = Subject::start();
        subject.program(&["true"], Containment::Subreaper);
        subject.tell(&["teardown-deadline", "20000"]);
        if journal {
            subject.tell(&["journal", &scratch.text("journal")]);
        }
        let room = "stat -L -c %b /proc/self/fd/2";
        let print = "head -c 64M /dev/zero | tr '\\0' x";
        let given_back = format!("until [ $({room}) -lt 16384 ]; do :; done");
        subject.tell(&scratch.teardown(&format!("{print}; {given_back}; echo the end")));
        let outcome = subject.run();
        let report = &outcome.teardowns()[0];
        assert_eq!(report.code, Some(0), "journal: {journal}");
        assert!(report.output.starts_with("[…] xxx"));
        assert!(report.output.ends_with("xxxthe end\n"));
        assert!(report.output.len() < 20_000);
    }
}

#[test]
fn the_program_gets_words_variables_and_directory_as_they_are() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = Subject::start();
    let script = "printf '%s|' \"$@\" \"$ODD\" >\"$OUT\"";
    subject.tell(&["program", "sh", "-c", script, "sh", "a b", "", "*"]);
    subject.tell(&["env", "ODD", "x\ny=z"]);
    subject.tell(&["env", "OUT", &scratch.text("out")]);
    assert_eq!(subject.run().exit_code(), 0);
    assert_eq!(scratch.read("out"), "a b||*|x\ny=z|");
}
