//! Signals after the first, and pauses.

use std::time::{Duration, Instant};

use runward_tests::procs::Proc;
use runward_tests::{Leaf, Line, Running, Sandbox, Teardown, Then};
use rustix::process::Signal;

#[test]
fn signals_during_the_teardown_change_nothing() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let teardown = Teardown::new(&sandbox).line(&line).gate(&gate);
    let after = Teardown::new(&sandbox);
    let mut work = sandbox.line();
    let plant = sandbox.plant().line(&work).leaves(&[Leaf::Session]);
    let run = sandbox
        .run()
        .teardown(teardown.command())
        .teardown(after.command());
    let running = run.program(plant.command()).spawn_ready(&mut work);
    running.signal(Signal::TERM);
    running.wait_word(&mut line, "teardown-start");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        running.signal(signal);
    }
    assert!(
        !running.ends_within(Duration::from_millis(200)),
        "a signal cut the teardown"
    );
    gate.open();
    running.wait().assert_code(143);
    teardown.assert_once();
    after.assert_once();
}

#[test]
fn a_signal_during_the_teardown_of_a_green_run() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let teardown = Teardown::new(&sandbox).line(&line).gate(&gate);
    let running = sandbox
        .run()
        .teardown(teardown.command())
        .shell("exit 0")
        .spawn();
    running.wait_word(&mut line, "teardown-start");
    running.signal(Signal::TERM);
    assert!(
        !running.ends_within(Duration::from_millis(200)),
        "a signal cut the teardown"
    );
    gate.open();
    let ended = running.wait();
    ended.assert_code(0);
    assert_eq!(ended.record().cause.kind, "exited");
    teardown.assert_once();
}

/// As Ctrl-C and most CI runners do: the program may end before runward has read its own signal.
#[test]
fn a_signal_to_the_whole_group_is_a_cancel() {
    let sandbox = Sandbox::new(60);
    for _ in 0..20 {
        let mut line = sandbox.line();
        let script = format!(
            "trap 'exit 0' TERM; echo ready > {}; while :; do :; done",
            line.path().display()
        );
        let running = sandbox.run().shell(&script).spawn();
        running.wait_word(&mut line, "ready");
        running.signal_group(Signal::TERM);
        let ended = running.wait();
        assert_eq!(ended.record().cause.kind, "cancelled", "{ended:#?}");
        ended.assert_code(143);
    }
}

#[test]
fn the_third_kills_the_work_but_not_the_teardown() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let teardown = Teardown::new(&sandbox);
    let plant = sandbox
        .plant()
        .line(&line)
        .gate(&gate)
        .leaves(&Leaf::MATRIX)
        .then(Then::Cleanup);
    let run = sandbox
        .run()
        .option("--grace", "1h")
        .teardown(teardown.command());
    let running = run.program(plant.command()).spawn_ready(&mut line);
    running.signal(Signal::TERM);
    running.wait_word(&mut line, "cleanup-start");
    running.signal(Signal::INT);
    assert!(
        !running.ends_within(Duration::from_millis(200)),
        "the second is no third"
    );
    running.signal(Signal::HUP);
    assert!(
        running.ends_within(Duration::from_secs(10)),
        "the third does not wait for the grace"
    );
    let ended = running.wait();
    ended.assert_code(143);
    let lines = ended.stderr.lines().filter(|line| line.contains("SIG"));
    let signals: Vec<_> = lines.collect();
    assert!(signals[0].contains("cancelled by SIGTERM"), "{signals:?}");
    assert!(signals[1].contains("SIGINT changes nothing"), "{signals:?}");
    assert!(signals[1].ends_with("one more kills it at once"));
    assert!(signals.iter().all(|line| !line.contains("SIGHUP")));
    assert!(!line.text().contains("cleanup-end"));
    sandbox.assert_no_survivors();
    teardown.assert_once();
}

#[test]
fn a_teardown_has_a_deadline_of_its_own() {
    let sandbox = Sandbox::new(30);
    let (mut line, gate) = (sandbox.line(), sandbox.gate());
    let (endless, after) = (
        Teardown::new(&sandbox).line(&line).gate(&gate),
        Teardown::new(&sandbox),
    );
    let run = sandbox
        .run()
        .teardown(endless.command())
        .teardown(after.command());
    let ended = run
        .option("--teardown-deadline", "500ms")
        .shell("exit 0")
        .finish();
    ended.assert_code(123);
    line.wait_end();
    sandbox.assert_no_survivors();
    assert_eq!(endless.counts(), (1, 0));
    after.assert_once();
    assert_ne!(ended.record().teardowns[0].code, Some(0));
}

#[test]
fn what_a_teardown_leaves_is_ended() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let plant = sandbox
        .plant()
        .line(&line)
        .leaves(&[Leaf::Plain, Leaf::StubbornSession])
        .then(Then::Exit(0));
    let words: Vec<String> = plant
        .command()
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    sandbox
        .run()
        .teardown(words.join(" "))
        .shell("exit 0")
        .finish();
    assert!(line.ended_by(Instant::now()), "{:#?}", sandbox.survivors());
    assert!(line.text().contains("ready"), "the teardown ran");
}

#[test]
fn a_teardown_that_kills_its_own_group_ends_nobody_else() {
    let sandbox = Sandbox::new(30);
    let after = Teardown::new(&sandbox);
    let run = sandbox
        .run()
        .teardown("sh -c 'kill -KILL 0'")
        .teardown(after.command());
    let ended = run.shell("exit 0").finish();
    ended.assert_code(123);
    after.assert_once();
    assert_eq!(ended.record().teardowns[0].code, Some(137));
}

#[test]
fn teardowns_run_in_the_order_given() {
    let sandbox = Sandbox::new(30);
    let log = sandbox.path("log");
    let teardowns: Vec<_> = (1..=3)
        .map(|code| Teardown::logging_to(&sandbox, &log).exit(code))
        .collect();
    let run = teardowns.iter().fold(sandbox.run(), |run, teardown| {
        run.teardown(teardown.command())
    });
    let record = run.shell("exit 0").finish().record();
    let codes: Vec<_> = record
        .teardowns
        .iter()
        .map(|teardown| teardown.code)
        .collect();
    assert_eq!(codes, [Some(1), Some(2), Some(3)]);
    let trace = teardowns[0].trace();
    let words: Vec<_> = trace
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(words, ["start", "end", "start", "end", "start", "end"]);
}

/// Waits until a process is, or is not, stopped. The kernel tells nobody but a parent, so this looks again and again.
#[track_caller]
fn wait_state(running: &Running<'_>, pid: i32, stopped: bool) {
    let start = Instant::now();
    while Proc::find(pid).is_some_and(|one| (one.state == 'T') != stopped) {
        assert!(
            !running.ends_within(Duration::from_millis(5)),
            "the run ended"
        );
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            Proc::find(pid)
        );
    }
}

#[test]
fn a_pause_stops_the_work_and_goes_on() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let plant = sandbox
        .plant()
        .line(&line)
        .gate(&gate)
        .leaves(&[Leaf::Plain])
        .then(Then::Gate);
    let running = sandbox.run().program(plant.command()).spawn();
    let main = ready_pid(&mut line);
    running.signal(Signal::TSTP);
    wait_state(&running, main, true);
    wait_state(&running, running.pid(), true);
    running.signal(Signal::CONT);
    wait_state(&running, running.pid(), false);
    wait_state(&running, main, false);
    gate.open();
    running.wait().assert_code(0);
    sandbox.assert_no_survivors();
}

#[test]
fn a_paused_run_can_be_cancelled() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let plant = sandbox
        .plant()
        .line(&line)
        .leaves(&[Leaf::Stopped, Leaf::Session]);
    let running = sandbox.run().program(plant.command()).spawn();
    let main = ready_pid(&mut line);
    running.signal(Signal::TSTP);
    wait_state(&running, main, true);
    wait_state(&running, running.pid(), true);
    running.signal(Signal::TERM);
    running.signal(Signal::CONT);
    running.wait().assert_code(143);
    sandbox.assert_no_survivors();
}

#[test]
fn a_paused_run_can_be_killed() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let teardown = Teardown::new(&sandbox);
    let plant = sandbox.plant().line(&line).leaves(&[Leaf::Session]);
    let running = sandbox
        .run()
        .teardown(teardown.command())
        .program(plant.command())
        .spawn();
    let main = ready_pid(&mut line);
    let guardian = running.guardian();
    running.signal(Signal::TSTP);
    wait_state(&running, main, true);
    running.signal(Signal::KILL);
    running.wait();
    if let Some(pidfd) = guardian.pidfd() {
        assert!(
            runward_tests::procs::wait_end(&pidfd, sandbox.until()),
            "a paused guardian sleeps for ever"
        );
    }
    sandbox.assert_no_survivors();
    teardown.assert_once();
}

/// The id of the program, once everything is planted.
#[track_caller]
fn ready_pid(line: &mut Line) -> i32 {
    let ready = line.wait_for("ready");
    ready
        .split(' ')
        .nth(1)
        .and_then(|pid| pid.parse().ok())
        .expect("the planter says its id")
}
