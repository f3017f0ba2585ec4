//! Runs that wait for a busy app.

use std::time::{Duration, Instant};

use runward_tests::{Gate, Line, Running, Sandbox, Then};
use rustix::process::Signal;

/// A run that holds an app until its gate opens.
fn hold<'a>(sandbox: &'a Sandbox, line: &mut Line, gate: &Gate, app: &str) -> Running<'a> {
    let plant = sandbox.plant().line(line).gate(gate).then(Then::Gate);
    sandbox
        .run()
        .app(app)
        .option("--run-id", "the-first-run")
        .program(plant.command())
        .spawn_ready(line)
}

#[test]
fn the_second_says_whom_it_waits_for_and_goes_on() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let first = hold(&sandbox, &mut line, &gate, "shared");
    let ran = sandbox.path("ran");
    let second = sandbox
        .run()
        .app("shared")
        .program(["touch".as_ref(), ran.as_os_str()])
        .spawn();
    second.wait_stderr("the-first-run");
    second.wait_stderr("shared");
    second.wait_stderr("fixture-plant");
    let text = second.stderr().text();
    let named = [first.pid(), first.guardian().pid]
        .iter()
        .any(|pid| text.contains(&pid.to_string()));
    assert!(named, "no pid of the holder in {text}");
    assert!(!ran.exists(), "two hold the app");
    gate.open();
    first.wait().assert_code(0);
    let ended = second.wait();
    ended.assert_code(0);
    assert!(ran.exists());
    let apps = ended.record().apps;
    assert_eq!((apps.len(), apps[0].name.as_str()), (1, "shared"));
    assert!(apps[0].waited_ms > 0);
}

#[test]
fn the_fence_grows() {
    let sandbox = Sandbox::new(20);
    let fences: Vec<u64> = (0..3)
        .map(|_| {
            let ended = sandbox.run().app("a").shell("exit 0").finish();
            ended.record().apps[0].fence.as_u64().expect("a number")
        })
        .collect();
    assert!(fences[0] < fences[1] && fences[1] < fences[2], "{fences:?}");
}

#[test]
fn two_apps_do_not_wait_for_each_other() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let _first = hold(&sandbox, &mut line, &gate, "one");
    sandbox
        .run()
        .app("other")
        .option("--wait", "0")
        .shell("exit 0")
        .finish()
        .assert_code(0);
}

#[test]
fn all_apps_or_none() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let _first = hold(&sandbox, &mut line, &gate, "b");
    sandbox
        .run()
        .app("a")
        .app("b")
        .option("--wait", "0")
        .shell("exit 0")
        .finish()
        .assert_code(120);
    sandbox
        .run()
        .app("a")
        .option("--wait", "0")
        .shell("exit 0")
        .finish()
        .assert_code(0);
}

#[test]
fn opposite_orders_do_not_deadlock() {
    let sandbox = Sandbox::new(60);
    let runs: Vec<Running<'_>> = (0..10)
        .map(|number| {
            let (first, second) = if number % 2 == 0 {
                ("a", "b")
            } else {
                ("b", "a")
            };
            sandbox.run().app(first).app(second).shell("exit 0").spawn()
        })
        .collect();
    for run in runs {
        run.wait().assert_code(0);
    }
}

#[test]
fn the_wait_is_over_on_time() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let _first = hold(&sandbox, &mut line, &gate, "a");
    for (option, least, most) in [("0", 0, 1000), ("2s", 2000, 3500), ("500ms", 500, 2000)] {
        let start = Instant::now();
        let ended = sandbox
            .run()
            .app("a")
            .option("--wait", option)
            .shell("exit 0")
            .finish();
        let took = start.elapsed().as_millis();
        ended.assert_code(120);
        assert!(
            (least..most).contains(&took),
            "--wait {option} took {took} ms"
        );
        assert_eq!(ended.record().cause.kind, "busy");
    }
}

#[test]
fn a_signal_ends_the_wait_at_once() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let first = hold(&sandbox, &mut line, &gate, "a");
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let teardown = runward_tests::Teardown::new(&sandbox);
        let second = sandbox
            .run()
            .app("a")
            .teardown(teardown.command())
            .shell("exit 0")
            .spawn();
        second.wait_stderr("the-first-run");
        second.signal(signal);
        assert!(
            second.ends_within(Duration::from_secs(1)),
            "{signal:?} does not end the wait"
        );
        let ended = second.wait();
        ended.assert_code(code);
        assert_eq!(ended.record().cause.kind, "cancelled");
        assert_eq!(
            teardown.counts(),
            (0, 0),
            "the work of the holder is not torn down by others"
        );
    }
    assert!(
        !first.ends_within(Duration::ZERO),
        "the holder is not touched"
    );
}

#[test]
fn the_deadline_counts_the_wait() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let _first = hold(&sandbox, &mut line, &gate, "a");
    let second = sandbox
        .run()
        .app("a")
        .option("--deadline", "700ms")
        .shell("exit 0")
        .finish();
    second.assert_code(142);
}

#[test]
fn a_killed_waiter_is_forgotten() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let first = hold(&sandbox, &mut line, &gate, "a");
    let second = sandbox.run().app("a").shell("exit 0").spawn();
    second.wait_stderr("the-first-run");
    second.signal(Signal::KILL);
    second.wait();
    let third = sandbox.run().app("a").shell("exit 0").spawn();
    third.wait_stderr("the-first-run");
    gate.open();
    first.wait().assert_code(0);
    third.wait().assert_code(0);
}
