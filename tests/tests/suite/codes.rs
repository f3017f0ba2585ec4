//! Every exit code that the command line promises.

use std::fs;
use std::process::Command;

use runward_tests::{Leaf, Sandbox, Teardown, Then, binaries};
use rustix::process::Signal;

/// The codes that are runward's own.
const OWN_CODES: [i32; 12] = [120, 121, 122, 123, 125, 126, 127, 129, 130, 142, 143, 128];

#[test]
fn the_programs_own() {
    let sandbox = Sandbox::new(120);
    for code in 0..=255 {
        let ended = sandbox.run().shell(&format!("exit {code}")).finish();
        ended.assert_code(code);
        let record = ended.record();
        assert_eq!((record.cause.kind.as_str(), record.exit), ("exited", code));
        assert_eq!(record.program.and_then(|program| program.code), Some(code));
    }
}

#[test]
fn the_signal_that_ended_it() {
    let sandbox = Sandbox::new(60);
    for signal in [1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 24, 31, 34, 64] {
        let ended = sandbox
            .run()
            .program(sandbox.plant().then(Then::Raise(signal)).command())
            .finish();
        ended.assert_code(128 + signal);
        assert_eq!(ended.record().cause.kind, "signaled", "signal {signal}");
    }
}

#[test]
fn a_leak_fails_a_green_run_only() {
    let sandbox = Sandbox::new(30);
    for (code, expected) in [(0, 123), (7, 7)] {
        let line = sandbox.line();
        let plant = sandbox
            .plant()
            .line(&line)
            .leaves(&[Leaf::Session])
            .then(Then::Exit(code));
        let ended = sandbox
            .run()
            .option("--leaks", "fail")
            .program(plant.command())
            .finish();
        ended.assert_code(expected);
        assert_eq!(ended.record().leaks.len(), 1);
        sandbox.assert_no_survivors();
    }
    sandbox
        .run()
        .option("--leaks", "fail")
        .shell("exit 0")
        .finish()
        .assert_code(0);
}

#[test]
fn a_failed_teardown_fails_a_green_run_only() {
    let sandbox = Sandbox::new(30);
    for (script, expected) in [("exit 0", 123), ("exit 7", 7)] {
        let (first, second) = (Teardown::new(&sandbox).exit(3), Teardown::new(&sandbox));
        let run = sandbox
            .run()
            .teardown(first.command())
            .teardown(second.command());
        let ended = run.shell(script).finish();
        ended.assert_code(expected);
        first.assert_once();
        second.assert_once();
        let codes: Vec<_> = ended
            .record()
            .teardowns
            .iter()
            .map(|teardown| teardown.code)
            .collect();
        assert_eq!(codes, [Some(3), Some(0)]);
    }
}

#[test]
fn a_teardown_that_is_not_there_fails() {
    let sandbox = Sandbox::new(30);
    let second = Teardown::new(&sandbox);
    let run = sandbox
        .run()
        .teardown("/nonexistent/teardown")
        .teardown(second.command());
    run.shell("exit 0").finish().assert_code(123);
    second.assert_once();
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new(30);
    let ran = sandbox.path("ran");
    let wrong: [&[&str]; 10] = [
        &["--no-such-option"],
        &["--wait", "soon"],
        &["--grace", "-1s"],
        &["--deadline", ""],
        &["--leaks", "perhaps"],
        &["--containment", "prison"],
        &["--require", "prison"],
        &["--teardown", "unclosed 'quote"],
        &["--teardown", ""],
        &["--config", "/nonexistent/runward.toml"],
    ];
    for words in wrong {
        let run = words.iter().fold(sandbox.run(), |run, word| run.flag(word));
        let ended = run.program(["touch".as_ref(), ran.as_os_str()]).finish();
        ended.assert_code(125);
        assert!(
            !ended.stderr.trim().is_empty(),
            "{words:?} is refused without a word"
        );
        assert!(!ran.exists(), "{words:?}: the program ran");
    }
}

#[test]
fn no_program() {
    let sandbox = Sandbox::new(20);
    sandbox.run().program::<&str>([]).finish().assert_code(125);
}

#[test]
fn a_program_that_cannot_be_executed_or_found() {
    let sandbox = Sandbox::new(20);
    let plain = sandbox.path("plain");
    fs::write(&plain, "exit 0\n").expect("a file");
    let teardown = Teardown::new(&sandbox);
    let cases = [
        (plain, 126),
        (sandbox.root().to_owned(), 126),
        (sandbox.path("none"), 127),
        ("no-such-program-rw".into(), 127),
    ];
    for (program, code) in cases {
        let ended = sandbox
            .run()
            .teardown(teardown.command())
            .program([program.as_os_str()])
            .env("PATH", "/usr/bin:/bin")
            .finish();
        ended.assert_code(code);
        assert_eq!(ended.record().cause.kind, "failed", "{}", program.display());
    }
}

#[test]
fn cancelled_by_each_signal() {
    let sandbox = Sandbox::new(60);
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let mut line = sandbox.line();
        let teardown = Teardown::new(&sandbox).exit(9);
        let plant = sandbox.plant().line(&line).leaves(&[Leaf::Plain]);
        let running = sandbox
            .run()
            .teardown(teardown.command())
            .program(plant.command())
            .spawn_ready(&mut line);
        running.signal(signal);
        let ended = running.wait();
        ended.assert_code(code);
        teardown.assert_once();
        let cause = ended.record().cause;
        assert_eq!(
            (cause.kind.as_str(), cause.sender_pid),
            ("cancelled", Some(std::process::id() as i32))
        );
        sandbox.assert_no_survivors();
    }
}

#[test]
fn the_deadline() {
    let sandbox = Sandbox::new(30);
    let line = sandbox.line();
    let teardown = Teardown::new(&sandbox);
    let plant = sandbox.plant().line(&line).leaves(&Leaf::MATRIX);
    let run = sandbox
        .run()
        .option("--deadline", "500ms")
        .option("--grace", "0.2s")
        .teardown(teardown.command());
    let ended = run.program(plant.command()).finish();
    ended.assert_code(142);
    assert_eq!(ended.record().cause.kind, "deadline");
    teardown.assert_once();
    sandbox.assert_no_survivors();
}

#[test]
fn the_last_line_sums_up() {
    let sandbox = Sandbox::new(20);
    let ended = sandbox
        .run()
        .shell("echo out; echo err >&2; exit 3")
        .finish();
    ended.assert_code(3);
    assert_eq!(ended.stdout, "out\n", "stdout belongs to the program");
    let line = ended.last_line();
    assert!(
        line.starts_with("runward: exited, exit 3, teardown "),
        "{line}"
    );
    assert!(line.contains(", 0 survivors ("), "{line}");
}

#[test]
fn the_manual_names_each() {
    let output = Command::new(binaries::runward())
        .arg("man")
        .output()
        .expect("runward starts");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for code in OWN_CODES {
        assert!(
            text.contains(&code.to_string()),
            "the manual does not name {code}"
        );
    }
}

#[test]
fn a_shipped_spec_can_be_had_from_the_binary_and_has_no_finding() {
    let ask = |words: &[&str]| {
        let mut asked = Command::new(binaries::runward());
        asked.arg("spec").args(words);
        asked.output().expect("runward starts")
    };
    let list = String::from_utf8(ask(&[]).stdout).expect("text");
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains(&"junit"), "{list}");
    let folder = tempfile::tempdir().expect("a temporary directory");
    for name in names {
        let file = folder.path().join(name);
        fs::write(&file, ask(&[name]).stdout).expect("a file");
        let lint = Command::new(binaries::runward())
            .arg("lint")
            .arg(&file)
            .output()
            .expect("runward starts");
        assert_eq!(lint.status.code(), Some(0), "{name}: {lint:?}");
    }
    let none = ask(&["juint"]);
    assert_eq!(none.status.code(), Some(64));
}
