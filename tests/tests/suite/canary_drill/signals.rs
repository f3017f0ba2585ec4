//! A drill that is ended: what it broke is mended, by itself or by the next.

use std::fs;

use runward_tests::{Gate, Line, Sandbox};
use rustix::process::Signal;

use super::{IDLE, Jobs, WELL, verified};

const SIGNALS: [(Signal, i32); 3] = [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)];

/// A drill whose commands say when they run, and wait at a gate.
struct Held<'a> {
    jobs: Jobs<'a>,
    line: Line,
    provoke: Gate,
    revert: Gate,
    /// Writers come and go.
    _open: fs::File,
}

impl<'a> Held<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        let line = sandbox.line();
        let open = fs::OpenOptions::new().write(true).open(line.path());
        let held = Self {
            jobs: Jobs::new(sandbox),
            line,
            _open: open.expect("a reader is there"),
            provoke: sandbox.gate(),
            revert: sandbox.gate(),
        };
        let script = |word: &str, gate: &Gate, text: &str| {
            let (line, gate, jobs) = (held.line.path(), gate.path(), &held.jobs.jobs);
            held.jobs.shell(&format!(
                "echo {word} > {}; read go < {}; echo '{text}' > {}",
                line.display(),
                gate.display(),
                jobs.display()
            ))
        };
        let provoke = script("provoking", &held.provoke, IDLE);
        let revert = script("reverting", &held.revert, WELL);
        let drill = held.jobs.drill("one", &provoke, &revert);
        held.jobs
            .rules(&format!("{drill}{}", held.jobs.good("two")));
        held
    }
}

#[test]
fn a_signal_while_it_provokes_ends_that_and_what_is_broken_is_mended() {
    for (signal, code) in SIGNALS {
        let sandbox = Sandbox::new(60);
        let mut held = Held::new(&sandbox);
        let running = held.jobs.start(&["one", "--evidence", "bundle"]);
        held.line.wait_for("provoking");
        running.signal(signal);
        held.line.wait_for("reverting");
        held.revert.open_line();
        let ended = running.wait();
        ended.assert_code(code);
        assert!(held.jobs.is_well() && !held.jobs.owes());
        assert_eq!(
            verified(&sandbox, &sandbox.path("bundle"), "chosen").0,
            "refuted"
        );
        sandbox.assert_no_survivors();
    }
}

#[test]
fn a_second_signal_kills_what_provokes_and_the_revert_comes_all_the_same() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox);
    let jobs = &held.jobs;
    let deaf = jobs.shell(&format!(
        "trap 'echo deaf > {0}' TERM; echo provoking > {0}; while :; do read go < {1}; done",
        held.line.path().display(),
        held.provoke.path().display()
    ));
    jobs.rules(&jobs.drill("one", &deaf, &jobs.put(WELL)));
    let running = jobs.start(&["one"]);
    held.line.wait_for("provoking");
    running.signal(Signal::TERM);
    held.line.wait_for("deaf");
    running.signal(Signal::INT);
    // The first says how it was ended.
    running.wait().assert_code(143);
    assert!(held.jobs.is_well() && !held.jobs.owes());
    sandbox.assert_no_survivors();
}

#[test]
fn a_signal_while_it_waits_for_red_is_no_verdict_and_mends() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let never = jobs
        .drill("one", "[\"true\"]", &jobs.put(WELL))
        .replace("gap = \"20ms\"", "gap = \"30s\"");
    jobs.rules(&format!("{never}{}", jobs.good("two")));
    let running = jobs.start(&["J-01", "--json"]);
    running.wait_stderr("provoking");
    running.signal(Signal::HUP);
    let ended = running.wait();
    ended.assert_code(129);
    assert!(ended.stderr.contains("one: reverting"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("two: provoking"), "{}", ended.stderr);
    let report = super::json(&ended.stdout);
    assert_eq!(report["ended_by"], "SIGHUP");
    let drills = report["drills"].clone();
    assert_eq!(
        (&drills[0]["reason"], &drills[1]["reason"]),
        (&"ended".into(), &"not-run".into())
    );
    assert!(!jobs.owes());
}

#[test]
fn no_signal_cuts_off_what_mends() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox);
    let running = held.jobs.start(&["one"]);
    held.line.wait_for("provoking");
    held.provoke.open_line();
    held.line.wait_for("reverting");
    for _ in 0..3 {
        running.signal(Signal::INT);
        running.signal(Signal::TERM);
    }
    held.revert.open_line();
    running.wait().assert_code(130);
    assert!(held.jobs.is_well() && !held.jobs.owes());
}

#[test]
fn after_a_sigkill_the_next_drill_mends_first() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox);
    let running = held.jobs.start(&["one", "--evidence", "bundle"]);
    held.line.wait_for("provoking");
    held.provoke.open_line();
    held.line.wait_for("reverting");
    running.signal(Signal::KILL);
    assert_eq!(running.wait().signal, Some(9));
    assert!(held.jobs.owes() && !sandbox.path("bundle").exists());
    // The one that was orphaned goes to its end.
    held.revert.open_line();
    let next = held.jobs.start(&["two", "--evidence", "bundle"]);
    held.line.wait_for("reverting");
    held.revert.open_line();
    let ended = next.wait();
    ended.assert_code(0);
    let (mended, next) = (
        ended.stderr.find("one: reverted"),
        ended.stderr.find("two: provoking"),
    );
    assert!(mended.is_some() && mended < next, "{}", ended.stderr);
    assert!(held.jobs.is_well() && !held.jobs.owes());
    let left = fs::read_dir(sandbox.root()).expect("a directory").flatten();
    let drafts = left.filter(|one| one.file_name().to_string_lossy().ends_with(".runward"));
    assert_eq!(drafts.count(), 0);
}

#[test]
fn what_provokes_ends_with_a_drill_that_is_killed() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox);
    let running = held.jobs.start(&["one"]);
    held.line.wait_for("provoking");
    running.signal(Signal::KILL);
    running.wait();
    assert!(sandbox.everyone_ended_by(sandbox.until()));
    // Nobody is left who would break it now.
    held.provoke.open_line();
    held.revert.open_line();
    let ended = held.jobs.run(&["--mend"], 0);
    assert!(ended.stderr.contains("one: reverted"), "{}", ended.stderr);
    assert!(held.jobs.is_well() && !held.jobs.owes());
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_broken_that_is_not_owed() {
    let sandbox = Sandbox::new(120);
    let jobs = Jobs::new(&sandbox);
    jobs.rules(&jobs.good("one"));
    for millis in (0..120).step_by(6) {
        let running = jobs.start(&["one", "--evidence", "bundle"]);
        // The moment is the point; nothing waits for it.
        std::thread::sleep(std::time::Duration::from_millis(millis));
        running.signal(Signal::KILL);
        running.wait();
        assert!(jobs.is_well() || jobs.owes(), "{millis}");
        let bundle = sandbox.path("bundle");
        if bundle.exists() {
            assert_eq!(
                verified(&sandbox, &bundle, "chosen").0,
                "proven",
                "{millis}"
            );
            fs::remove_dir_all(&bundle).expect("removed");
        }
        jobs.run(&["--mend"], 0);
        assert!(jobs.is_well() && !jobs.owes(), "{millis}");
    }
}

#[test]
fn two_drills_at_once_would_see_each_other_so_there_is_one() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox);
    let running = held.jobs.start(&["one"]);
    held.line.wait_for("provoking");
    let ended = held.jobs.run(&["two"], 3);
    assert!(
        ended.stderr.contains("another drill is running"),
        "{}",
        ended.stderr
    );
    held.provoke.open_line();
    held.line.wait_for("reverting");
    held.revert.open_line();
    running.wait().assert_code(0);
}
