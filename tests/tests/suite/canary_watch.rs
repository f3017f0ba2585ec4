//! `runward canary watch` with what happens to it in a long life.

use std::fs;

use runward_tests::procs::{self, Proc};
use runward_tests::{Gate, Line, Sandbox};
use rustix::process::Signal;

use crate::canary_kit::{Canary, ILL, JOBS, Watcher, kill, until};

/// One cycle at once, and no other unless somebody asks.
const ONCE: &str = "[policy]\ninterval = \"1h\"\nstartup = \"0s\"\n";

/// How many full cycles were judged.
fn cycles(canary: &Canary<'_>) -> u64 {
    canary.status()["sequence"].as_u64().unwrap_or(0)
}

#[track_caller]
fn judged(canary: &Canary<'_>, count: u64) {
    let what = format!("{count} cycles");
    until(canary.sandbox, &what, || cycles(canary) >= count);
    assert_eq!(cycles(canary), count);
}

/// Rules whose source says that it is there, and goes on when it may.
struct Held<'a> {
    canary: Canary<'a>,
    line: Line,
    gate: Gate,
    // As long as this is there, the line has a writer.
    _writer: fs::File,
}

impl<'a> Held<'a> {
    fn new(sandbox: &'a Sandbox, more: &str) -> Self {
        let (line, gate) = (sandbox.line(), sandbox.gate());
        let rules = JOBS.replace(r#"["cat"]"#, r#"["sh", "source"]"#);
        let rules = rules.replace("timeout = \"2s\"", "timeout = \"40s\"");
        let canary = Canary::new(sandbox, &format!("{rules}{more}"));
        let (here, go) = (line.path().display(), gate.path().display());
        let script = format!("echo here > {here}; read go < {go}; cat $1");
        canary.write("source", &script);
        let writer = fs::File::options().write(true).open(line.path());
        Self {
            canary,
            _writer: writer.expect("a pipe"),
            line,
            gate,
        }
    }
}

/// The cycle of a watcher.
#[track_caller]
fn cycle_of(sandbox: &Sandbox, watcher: &Watcher) -> Proc {
    let pid = i32::try_from(watcher.child.id()).expect("a pid");
    let mut found = None;
    until(sandbox, "a cycle", || {
        let children = procs::children(pid);
        found = children
            .into_iter()
            .find(|it| it.command.contains("--watched"));
        found.is_some()
    });
    found.expect("a cycle")
}

#[test]
fn asked_to_read_the_rules_again_it_does_and_keeps_the_terms_of_rules_that_are_broken() {
    let sandbox = Sandbox::new(60);
    let ping = "ping = [\"sh\", \"-c\", \"echo ping >> pings\"]\n";
    let canary = Canary::of_jobs(&sandbox, &format!("{ONCE}{ping}"));
    let good = canary.read("rules.toml");
    let pings = |count| {
        let what = format!("{count} pings");
        until(&sandbox, &what, || {
            canary.read("pings").lines().count() == count
        });
    };
    let mut watcher = Watcher::start(&canary);
    watcher.says("leading");
    judged(&canary, 1);
    pings(1);
    watcher.signal(Signal::HUP);
    watcher.says("the rules were read again");
    judged(&canary, 2);
    pings(2);
    canary.write("rules.toml", &good.replace("shape", "shap"));
    watcher.signal(Signal::HUP);
    assert!(watcher.says("shap").contains("rules.toml:"));
    watcher.says("the rules cannot be used, and the old interval stays");
    assert!(
        watcher
            .says("nothing is judged and nothing is pinged")
            .contains("shap")
    );
    canary.write("rules.toml", &good);
    assert_eq!(cycles(&canary), 2, "nothing was judged by them");
    assert_eq!(canary.read("pings").lines().count(), 2, "nor pinged");
    watcher.signal(Signal::HUP);
    watcher.says("the rules were read again");
    judged(&canary, 3);
    watcher.end();
    sandbox.assert_no_survivors();
}

#[test]
fn asked_in_the_middle_of_a_cycle_it_reads_them_after_it() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox, ONCE);
    let mut watcher = Watcher::start(&held.canary);
    held.line.wait_for("here");
    watcher.signal(Signal::HUP);
    held.gate.open_line();
    watcher.says("the rules were read again");
    held.line.wait_for("here");
    held.gate.open_line();
    judged(&held.canary, 2);
    watcher.end();
}

#[test]
fn asked_to_end_in_the_middle_of_a_cycle_it_ends_after_it() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox, ONCE);
    let watcher = Watcher::start(&held.canary);
    held.line.wait_for("here");
    watcher.signal(Signal::TERM);
    held.gate.open_line();
    watcher.end();
    assert_eq!(cycles(&held.canary), 1);
    sandbox.assert_no_survivors();
}

#[test]
fn a_cycle_that_takes_too_long_is_ended_with_all_that_it_started() {
    let sandbox = Sandbox::new(60);
    let deadline = ONCE.replace("1h", "1s") + "deadline = \"1s\"\n";
    let mut held = Held::new(&sandbox, &deadline);
    let mut watcher = Watcher::start(&held.canary);
    for _ in 0..2 {
        held.line.wait_for("here");
        watcher.says("was ended: it took too long");
    }
    held.canary.write("source", "cat $1");
    judged_once(&held.canary);
    // Those of the cycles that were ended would wait at the gate for ever.
    let waits = |it: &Proc| it.command == "sh source jobs";
    let left: Vec<_> = sandbox.survivors().into_iter().filter(waits).collect();
    assert!(left.is_empty(), "{left:#?}");
    watcher.end();
    sandbox.assert_no_survivors();
}

/// At least one more cycle was judged.
#[track_caller]
fn judged_once(canary: &Canary<'_>) {
    let before = cycles(canary);
    until(canary.sandbox, "another cycle", || cycles(canary) > before);
}

#[test]
fn a_cycle_that_is_killed_ends_no_watcher_and_leaves_nobody() {
    let sandbox = Sandbox::new(60);
    let mut held = Held::new(&sandbox, &ONCE.replace("1h", "1s"));
    let mut watcher = Watcher::start(&held.canary);
    held.line.wait_for("here");
    cycle_of(&sandbox, &watcher).signal(Signal::KILL);
    watcher.says("a child of the watcher failed: signal: 9");
    held.line.wait_for("here");
    let source = |it: &Proc| it.command == "sh source jobs";
    let sources = sandbox.survivors().into_iter().filter(source).count();
    assert_eq!(sources, 1, "the one of the new cycle");
    held.canary.write("source", "cat $1");
    held.gate.open_line();
    judged_once(&held.canary);
    watcher.end();
    sandbox.assert_no_survivors();
}

#[test]
fn a_leader_killed_in_mid_cycle_is_followed_and_nothing_is_told_twice() {
    let sandbox = Sandbox::new(60);
    let more = format!("{ONCE}[[alert]]\nkind = \"file\"\npath = \"alerts\"\n");
    let mut held = Held::new(&sandbox, &more);
    held.canary.write("jobs", ILL);
    let mut leader = Watcher::start(&held.canary);
    leader.says("leading");
    held.line.wait_for("here");
    let mut follower = Watcher::start(&held.canary);
    follower.says("another watcher leads");
    // What it read when it came is not what holds when it leads.
    let ping = "startup = \"0s\"\nping = [\"touch\", \"pinged\"]";
    let rules = held.canary.read("rules.toml");
    held.canary
        .write("rules.toml", &rules.replace("startup = \"0s\"", ping));
    kill(&mut leader.child);
    follower.says("leading");
    // The cycle of the dead one goes on, and that of the new one waits for it.
    held.gate.open_line();
    held.line.wait_for("here");
    held.gate.open_line();
    judged(&held.canary, 2);
    assert_eq!(held.canary.reasons("alerts"), ["opened"]);
    let pinged = held.canary.path("pinged");
    until(&sandbox, "a ping", || pinged.exists());
    follower.end();
    sandbox.assert_no_survivors();
}

#[test]
fn a_ping_that_fails_is_said_and_the_rules_must_be_good_to_begin_with() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, &format!("{ONCE}ping = [\"false\"]\n"));
    let mut watcher = Watcher::start(&canary);
    watcher.says("the ping failed");
    watcher.end();
    canary.write("rules.toml", "title = 7\n");
    canary.assert("watch", &[], 3);
}
