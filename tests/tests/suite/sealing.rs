//! Bundles of runs that were killed: sealed by the guardian, by the owner after it, by the next run or a sweep.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use runward_tests::skip::skip;
use runward_tests::{Running, Sandbox, Teardown, binaries};
use rustix::process::Signal;
use serde_json::Value;

use crate::evidence::{OWN, bundle, json, judged, out, seal_of, sealed, staging, verify};
use crate::expected::CGROUP;

#[test]
fn the_guardian_seals_for_an_owner_that_was_killed() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let script = format!(
        "{}echo ready >{}; sleep 1000",
        out(1, 0),
        line.path().display()
    );
    let running = judged(&sandbox, &script).app("web").spawn_ready(&mut line);
    running.signal(Signal::KILL);
    let result = running.result().to_owned();
    running.wait();
    assert!(sandbox.everyone_ended_by(sandbox.until()));
    let record = json(&result);
    assert_eq!(record["cause"]["kind"], "owner-killed");
    assert_eq!(record["verdict"], "proven");
    assert_eq!(
        json(&bundle(&sandbox).join("run.json"))["finished_by"],
        "guardian"
    );
    assert_eq!(seal_of(&bundle(&sandbox)).1, "");
    assert!(staging(&sandbox).is_empty());
}

#[test]
fn the_owner_seals_for_a_guardian_that_was_killed() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let mut gate = sandbox.gate();
    let (word, wait) = (
        line.path().display().to_string(),
        gate.path().display().to_string(),
    );
    let script = format!("{}echo ready >{word}; read x <{wait}", out(1, 1));
    let running = judged(&sandbox, &script).app("web").spawn_ready(&mut line);
    running.guardian().signal(Signal::KILL);
    running.wait_stderr("the guardian was killed");
    gate.open_line();
    let result = running.result().to_owned();
    running.wait().assert_code(121);
    assert_eq!(json(&result)["verdict"], "refuted");
    assert_eq!(
        json(&bundle(&sandbox).join("run.json"))["finished_by"],
        "owner"
    );
    assert_eq!(seal_of(&bundle(&sandbox)).1, "");
}

#[test]
fn the_next_run_or_a_sweep_seals_for_both() {
    if let Some(reason) = CGROUP.missing() {
        return skip("the_next_run_or_a_sweep_seals_for_both", reason);
    }
    for sweep in [false, true] {
        let sandbox = Sandbox::new(40);
        let mut line = sandbox.line();
        let teardown = Teardown::new(&sandbox);
        let script = format!(
            "{}echo ready >{}; sleep 1000",
            out(1, 0),
            line.path().display()
        );
        let run = judged(&sandbox, &script)
            .app("web")
            .teardown(teardown.command());
        let running = run.spawn_ready(&mut line);
        kill_both(&running);
        let result = running.result().to_owned();
        running.wait();
        assert!(!bundle(&sandbox).exists());
        match sweep {
            false => drop(
                sandbox
                    .run()
                    .app("web")
                    .shell("true")
                    .finish()
                    .assert_code(0),
            ),
            true => {
                let places = ["--lock-dir", "--home"].into_iter().zip(["locks", "home"]);
                let mut command = Command::new(binaries::runward());
                command.arg("sweep");
                for (name, place) in places {
                    command.arg(name).arg(sandbox.path(place));
                }
                let swept = command.output().expect("a sweep");
                assert_eq!(swept.status.code(), Some(0), "{swept:?}");
            }
        }
        assert_eq!(json(&result)["verdict"], "proven");
        assert_eq!(
            json(&bundle(&sandbox).join("run.json"))["finished_by"],
            "recovery"
        );
        // Nobody is left who saw what happened, and the lock was another's meanwhile.
        let seen = verify(Path::new(OWN), &bundle(&sandbox));
        let report = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert_eq!(seen.status.code(), Some(1), "{report}");
        assert!(
            report.contains("\"id\":\"bundle.sealed\",\"outcome\":\"proven\""),
            "{report}"
        );
        assert!(
            report.contains("\"id\":\"lock.one-fence\",\"outcome\":\"refuted\""),
            "{report}"
        );
        assert!(staging(&sandbox).is_empty());
    }
}

/// Kills owner and guardian at once, so that neither can go on for the other.
fn kill_both(running: &Running<'_>) {
    let guardian = running.guardian();
    running.signal(Signal::STOP);
    guardian.signal(Signal::KILL);
    running.signal(Signal::KILL);
}

/// Starts a run whose bundle takes a while to seal, and to judge; kills it as soon as it is there.
fn cut_short(sandbox: &Sandbox, there: impl Fn(&Path) -> bool) -> Value {
    let (files, size) = if cfg!(debug_assertions) {
        (1, 30)
    } else {
        (20, 60)
    };
    let more =
        format!("for x in $(seq {files}); do truncate -s {size}M $RUNWARD_EVIDENCE_DIR/$x; done");
    let running = sealed(sandbox, &(out(1, 0) + &more)).app("web").spawn();
    while !there(running.result()) {
        assert!(
            !running.ends_within(Duration::from_millis(5)),
            "it was too quick"
        );
    }
    kill_both(&running);
    let result = running.result().to_owned();
    running.wait();
    let record = json(&result);
    assert_eq!(
        record["verdict"], "inconclusive",
        "not green before it is known"
    );
    assert_eq!(record["exit"], 122);
    sandbox
        .run()
        .app("web")
        .shell("true")
        .finish()
        .assert_code(0);
    json(&result)
}

#[track_caller]
fn is_whole(sandbox: &Sandbox, record: &Value) {
    assert_eq!(
        (&record["verdict"], &record["exit"]),
        (&Value::Null, &0.into()),
        "{record}"
    );
    assert_eq!(seal_of(&bundle(sandbox)).1, "");
    assert!(staging(sandbox).is_empty());
}

#[test]
fn a_seal_that_was_cut_short_is_made_by_the_next() {
    let sandbox = Sandbox::new(60);
    let begun = |result: &Path| {
        fs::read_to_string(result).is_ok_and(|text| text.contains("not sealed yet"))
    };
    let record = cut_short(&sandbox, begun);
    is_whole(&sandbox, &record);
    assert_eq!(
        json(&bundle(&sandbox).join("run.json"))["finished_by"],
        "recovery"
    );
}

#[test]
fn a_verdict_that_was_cut_short_is_reached_by_the_next() {
    let sandbox = Sandbox::new(60);
    let record = cut_short(&sandbox, |_| bundle(&sandbox).exists());
    is_whole(&sandbox, &record);
    assert_eq!(
        json(&bundle(&sandbox).join("run.json"))["finished_by"],
        "guardian"
    );
}

#[test]
fn a_spec_that_was_changed_meanwhile_judges_nothing() {
    let sandbox = Sandbox::new(40);
    let mut line = sandbox.line();
    let word = line.path().display().to_string();
    let script = format!("{}echo ready >{word}; exec sleep 1000", out(1, 0));
    let running = judged(&sandbox, &script).app("web");
    // What is left of a program alone is found in a group, too.
    let running = running.containment("group").spawn_ready(&mut line);
    kill_both(&running);
    let result = running.result().to_owned();
    running.wait();
    fs::write(sandbox.path("load.spec.toml"), "schema = 1\nid = \"any\"\n").expect("a spec");
    sandbox
        .run()
        .app("web")
        .shell("true")
        .finish()
        .assert_code(0);
    let record = json(&result);
    assert_eq!(record["verdict"], "inconclusive", "{record}");
    let why = record["evidence"]["why"].as_str().expect("why");
    assert!(why.contains("was changed during the run"), "{why}");
    assert_eq!(seal_of(&bundle(&sandbox)).1, "");
}
