//! Runs that want the same app.
use rustix::process::Signal;

use crate::harness::{Going, Sandbox};

const READY: [&str; 4] = ["--", "sh", "-c", "echo ready; exec sleep 600"];

fn holder(sandbox: &Sandbox, options: &[&str]) -> Going {
    sandbox.start(&[&["run", "--app", "web"][..], options, &READY].concat())
}

#[test]
fn a_busy_app_is_120_and_runs_neither_program_nor_teardown() {
    let sandbox = Sandbox::new();
    let held = holder(&sandbox, &["--run-id", "first"]);
    for wait in ["0", "50ms"] {
        let args = [
            "run",
            "--app",
            "web",
            "--wait",
            wait,
            "--teardown",
            "touch torn",
            "--result",
            "r.json",
            "--",
            "touch",
            "ran",
        ];
        let seen = sandbox.run(&args);
        assert_eq!(seen.code, Some(120), "{seen:?}");
        assert_eq!(
            seen.last(),
            "runward: busy, exit 120, teardown 0s, 0 survivors (none)"
        );
        assert!(seen.stderr.contains("run first"), "{seen:?}");
        let record = sandbox.record();
        assert_eq!(
            (&record["cause"]["kind"], &record["exit"]),
            (&"busy".into(), &120.into())
        );
    }
    assert!(
        !sandbox
            .names()
            .iter()
            .any(|name| name == "torn" || name == "ran")
    );
    held.signal(Signal::TERM);
    assert_eq!(held.end().code, Some(143));
    assert_eq!(
        sandbox
            .run(&["run", "--app", "web", "--wait", "0", "--", "true"])
            .code,
        Some(0)
    );
}

#[test]
fn who_waits_is_told_for_whom_and_gets_in_when_it_is_free() {
    let sandbox = Sandbox::new();
    let held = holder(&sandbox, &["--run-id", "first"]);
    let next = sandbox.start_waiting(&["run", "--app", "web", "--result", "r.json", "--", "true"]);
    held.signal(Signal::TERM);
    assert_eq!(held.end().code, Some(143));
    assert_eq!(next.end().code, Some(0));
    assert!(sandbox.record()["apps"][0]["waited_ms"].as_u64().unwrap() > 0);
}

#[test]
fn a_signal_ends_the_wait_at_once() {
    let sandbox = Sandbox::new();
    let held = holder(&sandbox, &[]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let waiting = sandbox.start_waiting(&[
            "run",
            "--app",
            "web",
            "--teardown",
            "touch torn",
            "--",
            "true",
        ]);
        waiting.signal(signal);
        let seen = waiting.end();
        assert_eq!(seen.code, Some(code), "{seen:?}");
        assert!(
            seen.last().starts_with("runward: cancelled by SIG") && seen.last().ends_with("(none)"),
            "{seen:?}"
        );
    }
    assert!(!sandbox.names().contains(&"torn".to_owned()));
    held.signal(Signal::TERM);
    held.end();
}

#[test]
fn the_deadline_counts_the_wait() {
    let sandbox = Sandbox::new();
    let held = holder(&sandbox, &[]);
    let seen = sandbox.run(&["run", "--app", "web", "--deadline", "100ms", "--", "true"]);
    assert_eq!(seen.code, Some(142), "{seen:?}");
    held.signal(Signal::TERM);
    held.end();
}

#[test]
fn all_apps_or_none() {
    let sandbox = Sandbox::new();
    let held = holder(&sandbox, &[]);
    assert_eq!(
        sandbox
            .run(&[
                "run", "--app", "a", "--app", "web", "--wait", "0", "--", "true"
            ])
            .code,
        Some(120)
    );
    assert_eq!(
        sandbox
            .run(&["run", "--app", "a", "--wait", "0", "--", "true"])
            .code,
        Some(0)
    );
    held.signal(Signal::TERM);
    held.end();
}

#[test]
fn a_run_that_wants_the_app_of_the_run_around_it_is_refused_and_not_stuck() {
    let runward = env!("CARGO_BIN_EXE_runward");
    let seen = Sandbox::new().run(&[
        "run", "--app", "web", "--", runward, "run", "--app", "web", "--", "true",
    ]);
    assert_eq!(seen.code, Some(125), "{seen:?}");
    assert!(seen.stderr.contains("a part of"), "{seen:?}");
}

#[test]
fn a_run_inside_a_run_needs_no_options_of_its_own() {
    let sandbox = Sandbox::new();
    let runward = env!("CARGO_BIN_EXE_runward");
    let seen = sandbox.run(&[
        "run", "--app", "web", "--", runward, "run", "--", "sh", "-c", "exit 4",
    ]);
    assert_eq!(seen.code, Some(4), "{seen:?}");
}

#[test]
fn a_killed_run_is_finished_and_its_app_is_free_afterwards() {
    let sandbox = Sandbox::new();
    let held = holder(
        &sandbox,
        &[
            "--teardown",
            "touch torn",
            "--result",
            "r.json",
            "--run-id",
            "first",
        ],
    );
    held.signal(Signal::KILL);
    let next = sandbox.run(&["run", "--app", "web", "--", "test", "-e", "torn"]);
    assert_eq!(
        next.code,
        Some(0),
        "the teardown comes before the next run: {next:?}"
    );
    let record = sandbox.record();
    assert_eq!(
        (&record["run_id"], &record["cause"]["kind"]),
        (&"first".into(), &"owner-killed".into())
    );
    assert_eq!(record["apps"][0]["name"], "web");
    drop(held);
}

#[test]
fn what_a_run_and_its_guardian_left_the_next_one_finishes() {
    let sandbox = Sandbox::new();
    let held = holder(
        &sandbox,
        &[
            "--teardown",
            "touch torn",
            "--result",
            "r.json",
            "--run-id",
            "first",
        ],
    );
    let guardian = sandbox.guardian_of("web");
    // Both at once: a stopped guardian cannot take over between the two.
    guardian.stop();
    held.signal(Signal::KILL);
    guardian.kill();
    let next = sandbox.run(&["run", "--app", "web", "--", "test", "-e", "torn"]);
    assert_eq!(next.code, Some(0), "{next:?}");
    assert!(next.stderr.contains("finished for run first"), "{next:?}");
    assert_eq!(sandbox.record()["cause"]["kind"], "owner-killed");
    drop(held);
}
