//! What is refused, with the kind that says why, and with nothing started.

use std::{fs, os::unix::fs::PermissionsExt as _};

use runward_lifetime::{Cause, Containment, Status};

use crate::harness::{ALL, Scratch, Subject, available, hang_guard};

#[test]
fn a_process_with_two_threads_cannot_arm() {
    let _hang = hang_guard();
    let mut subject = Subject::start();
    subject.program(&["true"], Containment::Subreaper);
    assert_eq!(subject.ask(&["thread"]), "done");
    let answer = subject.ask(&["arm"]);
    assert!(answer.starts_with("failed Threads"), "{answer}");
}

#[test]
fn a_parent_that_died_before_is_noticed() {
    let _hang = hang_guard();
    let mut subject = Subject::start();
    subject.program(&["true"], Containment::Subreaper);
    subject.tell(&["parent", "1"]);
    let answer = subject.ask(&["arm"]);
    assert!(answer.starts_with("failed ParentGone"), "{answer}");
}

#[test]
fn a_parent_that_lives_is_none_to_refuse_for() {
    let _hang = hang_guard();
    let mut subject = Subject::start();
    subject.program(&["true"], Containment::Subreaper);
    subject.tell(&["parent", &subject.above().to_string()]);
    assert_eq!(subject.run().exit_code(), 0);
}

#[test]
fn too_weak_a_containment_is_refused() {
    let _hang = hang_guard();
    for (only, least) in [
        ("group", "subreaper"),
        ("subreaper", "pidns"),
        ("pidns", "cgroup"),
    ] {
        let scratch = Scratch::new();
        let mut subject = Subject::start();
        subject.tell(&["program", "touch", &scratch.text("ran")]);
        subject.tell(&["containment", only]);
        subject.tell(&["require", least]);
        let answer = subject.ask(&["run"]);
        assert!(answer.starts_with("failed Containment"), "{answer}");
        assert!(!scratch.path("ran").exists());
    }
}

#[test]
fn just_strong_enough_is_enough() {
    let _hang = hang_guard();
    for containment in available("just_strong_enough_is_enough", &ALL) {
        let mut subject = Subject::start();
        subject.program(&["true"], containment);
        subject.tell(&["require", &containment.to_string()]);
        assert_eq!(subject.run().exit_code(), 0);
    }
}

#[test]
fn a_journal_that_is_there_belongs_to_another_run() {
    let _hang = hang_guard();
    for words in [["run"].as_slice(), &["arm", "start"]] {
        let scratch = Scratch::new();
        fs::write(scratch.path("journal"), "theirs").unwrap();
        let mut subject = Subject::start();
        subject.tell(&["program", "touch", &scratch.text("ran")]);
        subject.tell(&["journal", &scratch.text("journal")]);
        let answers: Vec<_> = words.iter().map(|word| subject.ask(&[word])).collect();
        let last = answers.last().unwrap();
        assert!(last.starts_with("failed Journal"), "{answers:?}");
        drop(subject);
        assert!(!scratch.path("ran").exists());
        assert_eq!(scratch.read("journal"), "theirs");
        assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 1);
    }
}

#[test]
fn a_nul_byte_is_refused_before_anything_starts() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let refused = |lines: &[&[&str]]| {
        let mut subject = Subject::start();
        lines.iter().for_each(|line| subject.tell(line));
        let answer = subject.ask(&["run"]);
        assert!(answer.starts_with("failed Nul"), "{answer}");
        assert!(!scratch.path("ran").exists());
    };
    let ran = scratch.text("ran");
    refused(&[&["program", "tou\0ch", &ran]]);
    refused(&[&["program", "touch", &ran, "a\0b"]]);
    refused(&[&["program", "touch", &ran], &["env", "KEY", "a\0b"]]);
    refused(&[&["program", "touch", &ran], &["teardown", "true", "a\0b"]]);
}

#[test]
fn a_program_that_is_not_there_or_cannot_be_executed() {
    let _hang = hang_guard();
    let test = "a_program_that_is_not_there_or_cannot_be_executed";
    for containment in available(test, &ALL) {
        let scratch = Scratch::new();
        fs::write(scratch.path("plain"), "echo").unwrap();
        for (program, code) in [
            (scratch.text("missing"), 127),
            (scratch.text("plain/below"), 127),
            ("no-such-program-anywhere".to_owned(), 127),
            (scratch.text("plain"), 126),
            (scratch.text(""), 126),
        ] {
            let mut subject = Subject::start();
            subject.tell(&["program", &program]);
            // Not one that this user may not search, which would count as found.
            subject.tell(&["env", "PATH", "/usr/bin:/bin"]);
            subject.tell(&["containment", &containment.to_string()]);
            subject.tell(&scratch.teardown("echo torn >>log"));
            let outcome = subject.run();
            assert_eq!(outcome.exit_code(), code, "{program} ({containment})");
            assert!(matches!(outcome.cause(), Cause::Failed { .. }));
            assert_eq!(outcome.program(), None);
        }
        assert_eq!(scratch.read("log"), "torn\n".repeat(5));
    }
}

#[test]
fn a_script_without_interpreter_is_run_by_the_shell() {
    let _hang = hang_guard();
    for containment in available("a_script_without_interpreter_is_run_by_the_shell", &ALL) {
        let scratch = Scratch::new();
        let script = scratch.path("script");
        fs::write(&script, "exit $1\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let mut subject = Subject::start();
        subject.program(&[&scratch.text("script"), "9"], containment);
        let outcome = subject.run();
        assert_eq!(outcome.program(), Some(Status::Code(9)), "{containment}");
    }
}

#[test]
fn a_filter_that_knows_no_clone3_does_not_weaken_the_containment() {
    let _hang = hang_guard();
    let test = "a_filter_that_knows_no_clone3_does_not_weaken_the_containment";
    for containment in available(test, &ALL) {
        let scratch = Scratch::new();
        let mut alive = scratch.line("alive");
        let mut subject = Subject::start();
        assert_eq!(subject.ask(&["deny-clone3"]), "done");
        let script = "grep ^0: /proc/self/cgroup >&9; (sleep 600 &) ; exit 6";
        subject.program(&scratch.shell(script), containment);
        subject.tell(&["id", "filtered"]);
        subject.tell(&scratch.teardown("grep ^0: /proc/self/cgroup >room"));
        let outcome = subject.run();
        assert_eq!(outcome.program(), Some(Status::Code(6)), "{containment}");
        assert_eq!(outcome.leaks().len(), 1, "{containment}");
        assert!(alive.has_ended());
        let inside = containment == Containment::Cgroup;
        assert_eq!(alive.hear().ends_with("/runward-filtered"), inside);
        let room = scratch.read("room");
        assert_eq!(room.contains("/runward-filtered.teardown-0"), inside);
    }
}
