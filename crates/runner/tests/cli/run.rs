//! Runs from start to end, and what is told of them.
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::Sandbox;

#[test]
fn the_code_of_the_program_passes_through() {
    for code in [0, 1, 7, 120, 255] {
        let seen = Sandbox::new().run(&["run", "--", "sh", "-c", &format!("exit {code}")]);
        assert_eq!(seen.code, Some(code), "{seen:?}");
        let last = format!("runward: exited, exit {code}, teardown 0s, 0 survivors (");
        assert!(seen.last().starts_with(&last), "{seen:?}");
    }
}

#[test]
fn what_cannot_be_executed_has_its_own_codes() {
    let sandbox = Sandbox::new();
    sandbox.write("plain", "text");
    assert_eq!(sandbox.run(&["run", "--", "./plain"]).code, Some(126));
    assert_eq!(
        sandbox.run(&["run", "--", "no-such-program"]).code,
        Some(127)
    );
}

#[test]
fn stdout_is_the_programs_own() {
    let seen = Sandbox::new().run(&["run", "--teardown", "echo down", "--", "echo", "up"]);
    assert_eq!(
        (seen.code, seen.stdout.as_str()),
        (Some(0), "up\n"),
        "{seen:?}"
    );
    assert!(seen.stderr.contains("down\n"), "{seen:?}");
}

#[test]
fn the_record_is_that_of_the_contract() {
    let sandbox = Sandbox::new();
    let args = [
        "run",
        "--app",
        "b",
        "--app",
        "a",
        "--run-id",
        "r-1",
        "--teardown",
        "true",
        "--result",
        "r.json",
        "--",
        "sh",
        "-c",
        "exit 3",
    ];
    assert_eq!(sandbox.run(&args).code, Some(3));
    let record = sandbox.record();
    let names: Vec<&Value> = record["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| &app["name"])
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(record["apps"][0]["fence"].as_u64().unwrap() > 0);
    for (name, value) in [
        ("schema", json!(1)),
        ("run_id", json!("r-1")),
        ("argv", json!(["sh", "-c", "exit 3"])),
        ("cause", json!({"kind": "exited"})),
        ("program", json!({"code": 3})),
        ("exit", json!(3)),
        ("leaks", json!([])),
        ("survivors", json!([])),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
    assert_eq!(record["teardowns"][0]["command"], "true");
    assert_eq!(record["teardowns"][0]["code"], 0);
}

#[test]
fn the_program_sees_its_run_and_not_its_options() {
    let sandbox = Sandbox::new();
    let env = [
        ("RUNWARD_TEARDOWN", "true"),
        ("RUNWARD_RESULT", "r.json"),
        ("RUNWARD_APP", "web"),
    ];
    let seen = sandbox.run_with(&["run", "--run-id", "r-1", "--", "env"], &env);
    for line in [
        "RUNWARD_RUN_ID=r-1",
        "RUNWARD_APP=web",
        "RUNWARD_TEARDOWN=",
        "RUNWARD_RESULT=",
    ] {
        assert!(
            seen.stdout.lines().any(|seen| seen == line),
            "{line}: {seen:?}"
        );
    }
}

#[test]
fn a_teardown_that_fails_turns_green_red_and_leaves_red_alone() {
    let sandbox = Sandbox::new();
    let green = sandbox.run(&[
        "run",
        "--teardown",
        "false",
        "--teardown",
        "touch torn",
        "--",
        "true",
    ]);
    assert_eq!(green.code, Some(123), "{green:?}");
    assert!(sandbox.names().contains(&"torn".to_owned()));
    assert_eq!(
        sandbox
            .run(&["run", "--teardown", "false", "--", "sh", "-c", "exit 9"])
            .code,
        Some(9)
    );
}

#[test]
fn leaks_are_what_the_policy_says() {
    let sandbox = Sandbox::new();
    let leaky = [
        "--result",
        "r.json",
        "--",
        "sh",
        "-c",
        "setsid sleep 600 >/dev/null 2>&1 </dev/null &",
    ];
    for (policy, code) in [("warn", 0), ("fail", 123)] {
        let seen = sandbox.run(&[&["run", "--leaks", policy][..], &leaky].concat());
        assert_eq!(seen.code, Some(code), "{seen:?}");
        let record = sandbox.record();
        assert_eq!(record["exit"], code);
        assert!(
            record["leaks"][0]["command"]
                .as_str()
                .unwrap()
                .contains("sleep 600"),
            "{record}"
        );
        let leak = &record["leaks"][0];
        assert!(leak["ppid"].is_u64() && leak["age_ms"].is_u64(), "{leak}");
        assert!(leak["exe"].as_str().unwrap().starts_with('/'), "{leak}");
        assert!(seen.stderr.contains("(sleep 600, "), "{}", seen.stderr);
        assert!(seen.stderr.contains(" old)"), "{}", seen.stderr);
    }
}

#[test]
fn a_cancel_is_named_with_its_signal_and_sender() {
    let sandbox = Sandbox::new();
    let work = [
        "--result",
        "r.json",
        "--teardown",
        "touch torn",
        "--",
        "sh",
        "-c",
        "echo ready; exec sleep 600",
    ];
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let going = sandbox.start(&[&["run"][..], &work].concat());
        going.signal(signal);
        let seen = going.end();
        assert_eq!(seen.code, Some(code), "{seen:?}");
        assert!(
            seen.last().starts_with("runward: cancelled by SIG"),
            "{seen:?}"
        );
        let cause = &sandbox.record()["cause"];
        assert_eq!(cause["kind"], "cancelled");
        assert_eq!(cause["signal"], code - 128);
        assert_eq!(cause["sender_pid"], std::process::id());
        assert!(sandbox.names().contains(&"torn".to_owned()));
    }
}

#[test]
fn a_deadline_ends_the_work_and_not_the_teardown() {
    let sandbox = Sandbox::new();
    let seen = sandbox.run(&[
        "run",
        "--deadline",
        "100ms",
        "--teardown",
        "touch torn",
        "--result",
        "r.json",
        "--",
        "sleep",
        "600",
    ]);
    assert_eq!(seen.code, Some(142), "{seen:?}");
    assert_eq!(sandbox.record()["cause"]["kind"], "deadline");
    assert!(sandbox.names().contains(&"torn".to_owned()));
}

#[test]
fn every_line_of_events_is_whole_and_the_last_has_the_exit_code() {
    let sandbox = Sandbox::new();
    sandbox.run(&[
        "run",
        "--events",
        "e.jsonl",
        "--teardown",
        "false",
        "--",
        "true",
    ]);
    let text = std::fs::read_to_string(sandbox.path().join("e.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.first().unwrap()["event"], "started");
    assert_eq!(lines.last().unwrap()["event"], "finished");
    assert_eq!(lines.last().unwrap()["exit"], 123);
    assert!(
        lines
            .iter()
            .all(|line| line["schema"] == 1 && line["run_id"].is_string())
    );
}

#[test]
fn files_that_cannot_be_written_are_refused_before_the_start() {
    let sandbox = Sandbox::new();
    sandbox
        .run(&["run", "--result", "no/r.json", "--", "touch", "ran"])
        .refused("--result");
    sandbox
        .run(&["run", "--events", "no/e.jsonl", "--", "touch", "ran"])
        .refused("--events");
    assert!(!sandbox.names().contains(&"ran".to_owned()));
}

#[test]
fn a_workspace_that_goes_away_does_not_take_the_record_along() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("ws")).unwrap();
    let seen = sandbox.run(&[
        "run",
        "--run-id",
        "r-1",
        "--result",
        "ws/r.json",
        "--",
        "rm",
        "-r",
        "ws",
    ]);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert!(sandbox.path().join("home/records/r-1.json").exists());
}

#[test]
fn nothing_is_left_behind() {
    let sandbox = Sandbox::new();
    sandbox.run(&["run", "--app", "web", "--teardown", "true", "--", "true"]);
    assert_eq!(
        std::fs::read_dir(sandbox.path().join("home/runs"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn what_fails_before_the_start_has_a_record_too() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("/tmp", sandbox.path().join("locks")).unwrap();
    let seen = sandbox.run(&["run", "--app", "web", "--result", "r.json", "--", "true"]);
    seen.refused("symbolic link");
    let record = sandbox.record();
    assert_eq!(
        (&record["cause"]["kind"], &record["exit"]),
        (&json!("failed"), &json!(125))
    );
    assert_eq!(record["containment"], "none");
}

/// Half of four seconds is the work's, although grace and teardown may take longer.
#[test]
fn the_teardown_is_over_before_the_ci_ends_the_job() {
    let sandbox = Sandbox::new();
    let began = std::time::Instant::now();
    let args = ["run", "--teardown", "touch torn", "--", "sleep", "600"];
    let env = [("GITLAB_CI", "true"), ("CI_JOB_TIMEOUT", "4")];
    let seen = sandbox.run_with(&args, &env);
    assert_eq!(seen.code, Some(142), "{seen:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(4));
    assert!(sandbox.names().contains(&"torn".to_owned()));
    let told = "deadline (CI_JOB_TIMEOUT leaves 2s to clean up); the work has 10s to end";
    assert!(seen.stderr.contains(told), "{}", seen.stderr);
}
