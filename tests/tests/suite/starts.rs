//! Runs that are started in unusual ways still end as they should.

use std::fs;
use std::time::{Duration, Instant};

use runward_tests::binaries::fixture;
use runward_tests::procs::{self, Proc};
use runward_tests::servers::{AS_NOBODY, installed};
use runward_tests::skip::is_root;
use runward_tests::sweep;
use runward_tests::{Leaf, Line, Record, Running, Sandbox, Teardown, Then, need, places};
use rustix::process::Signal;

/// A run with all kinds of leaves, started through some command, and what it leaves.
pub(crate) struct Start {
    pub(crate) sandbox: Sandbox,
    pub(crate) line: Line,
    pub(crate) teardown: Teardown,
}

impl Start {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new(30);
        let (line, teardown) = (sandbox.line(), Teardown::new(&sandbox));
        Self {
            sandbox,
            line,
            teardown,
        }
    }

    pub(crate) fn through(&mut self, via: &[&str]) -> Running<'_> {
        let plant = self.sandbox.plant().line(&self.line).leaves(&Leaf::ALL);
        let run = self
            .sandbox
            .run()
            .via(via)
            .option("--grace", "0.3s")
            .teardown(self.teardown.command());
        run.program(plant.command()).spawn_ready(&mut self.line)
    }
}

/// SIGKILL of the process that the CI started, which is not runward: an ancestor has died.
#[track_caller]
pub(crate) fn assert_ends_with_ancestor(via: &[&str]) {
    let mut start = Start::new();
    let (owner, guardian, top, result) = {
        let running = start.through(via);
        let found = (
            running.owner(),
            running.guardian(),
            running.pid(),
            running.result().to_owned(),
        );
        assert_ne!(found.0.pid, found.2, "{via:?} stays above runward");
        running.signal(Signal::KILL);
        wait_gone(soon(), &found.0);
        wait_gone(soon(), &found.1);
        found
    };
    start.line.wait_end();
    // The commands in between end by themselves, one after the other.
    assert!(start.sandbox.everyone_ended_by(start.sandbox.until()));
    start.teardown.assert_once();
    let record = Record::read(&result);
    assert_eq!(
        (record.cause.kind.as_str(), record.exit),
        ("ancestor", 143),
        "{owner:?} {guardian:?}"
    );
    assert_eq!(record.cause.ancestor_pid, Some(top));
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[track_caller]
pub(crate) fn wait_gone(until: Instant, one: &Proc) {
    let Some(pidfd) = one.pidfd() else { return };
    assert!(procs::wait_end(&pidfd, until), "it lives on: {one:?}");
}

#[test]
fn sh_with_errexit() {
    let sandbox = Sandbox::new(30);
    let script = sandbox.path("step");
    fs::write(&script, "echo started\n\"$@\"\necho over\n").expect("a script");
    let script = script.display().to_string();
    assert_ends_with_ancestor(&["/bin/sh", "-e", &script]);
}

#[test]
fn bash_that_does_more_afterwards() {
    need!(
        "bash_that_does_more_afterwards",
        installed("bash"),
        "needs bash"
    );
    assert_ends_with_ancestor(&["bash", "-c", "\"$@\"; true", "bash"]);
}

#[test]
fn timeout_above() {
    assert_ends_with_ancestor(&["timeout", "60"]);
}

#[test]
fn three_levels_above() {
    assert_ends_with_ancestor(&[
        "sh",
        "-c",
        "\"$@\"; true",
        "sh",
        "timeout",
        "60",
        "sh",
        "-c",
        "\"$@\"; true",
        "sh",
    ]);
}

#[test]
fn subreaper_above() {
    let launch = fixture("launch").display().to_string();
    assert_ends_with_ancestor(&[
        &launch,
        "--subreaper",
        "--",
        "sh",
        "-c",
        "\"$@\"; true",
        "sh",
    ]);
}

#[test]
fn shell_below_a_subreaper() {
    let mut start = Start::new();
    let launch = fixture("launch").display().to_string();
    let result = {
        let running = start.through(&[
            &launch,
            "--subreaper",
            "--",
            "sh",
            "-c",
            "\"$@\"; true",
            "sh",
        ]);
        let (owner, shell) = (running.owner(), procs::children(running.pid()));
        assert_ne!(owner.ppid, running.pid(), "a shell is in between");
        shell.iter().for_each(|one| one.signal(Signal::KILL));
        wait_gone(soon(), &owner);
        running.result().to_owned()
    };
    assert!(start.sandbox.everyone_ended_by(start.sandbox.until()));
    start.teardown.assert_once();
    assert_eq!(Record::read(&result).cause.kind, "ancestor");
}

#[test]
fn env_is_no_ancestor() {
    let mut start = Start::new();
    let result = {
        let running = start.through(&["env", "A=1"]);
        let guardian = running.guardian();
        assert_eq!(running.owner().pid, running.pid(), "env replaces itself");
        running.signal(Signal::KILL);
        wait_gone(soon(), &guardian);
        running.result().to_owned()
    };
    start.sandbox.assert_no_survivors();
    start.teardown.assert_once();
    assert_eq!(Record::read(&result).cause.kind, "owner-killed");
}

#[test]
fn a_thread_that_exits_is_no_ancestor() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate, pid_file) = (sandbox.line(), sandbox.gate(), sandbox.path("pid"));
    let launch = fixture("launch");
    let via = [
        launch.as_os_str(),
        "--thread".as_ref(),
        "--pid-file".as_ref(),
        pid_file.as_os_str(),
        "--".as_ref(),
    ];
    let plant = sandbox.plant().line(&line).gate(&gate).then(Then::Gate);
    let running = sandbox
        .run()
        .via(via)
        .program(plant.command())
        .spawn_ready(&mut line);
    // The thread is joined by now: the file is written afterwards.
    while !pid_file.exists() {
        assert!(
            !running.ends_within(Duration::from_millis(10)),
            "the run ended with the thread"
        );
    }
    assert!(
        !running.ends_within(Duration::from_millis(200)),
        "the run ended with the thread"
    );
    gate.open();
    running.wait().assert_code(0);
}

fn unshare(more: &[&'static str]) -> Vec<&'static str> {
    [&["unshare", "--pid", "--fork"], more].concat()
}

#[test]
fn first_process_of_a_namespace() {
    need!(
        "first_process_of_a_namespace",
        is_root(),
        "needs root, to make a PID namespace"
    );
    for more in [&["--mount-proc"][..], &[]] {
        let mut start = Start::new();
        let running = start.through(&unshare(more));
        let owner = running.owner();
        assert_eq!(owner.ppid, running.pid());
        owner.signal(Signal::TERM);
        let ended = running.wait();
        start.sandbox.assert_no_survivors();
        ended.assert_code(143);
        start.teardown.assert_once();
    }
}

#[test]
fn first_process_of_a_namespace_adopts_no_failure() {
    need!(
        "first_process_of_a_namespace_adopts_no_failure",
        is_root(),
        "needs root, to make a PID namespace"
    );
    let sandbox = Sandbox::new(30);
    sandbox
        .run()
        .via(unshare(&["--mount-proc"]))
        .shell("exit 3")
        .finish()
        .assert_code(3);
}

#[test]
fn first_process_of_a_namespace_killed() {
    need!(
        "first_process_of_a_namespace_killed",
        is_root(),
        "needs root, to make a PID namespace"
    );
    let mut start = Start::new();
    let running = start.through(&unshare(&["--mount-proc"]));
    running.owner().signal(Signal::KILL);
    running.wait();
    start.line.wait_end();
    start.sandbox.assert_no_survivors();
    // Its guardian went with the namespace: what is left is a sweep's.
    sweep::sweep(&start.sandbox, ["--json"]).assert_code(0);
}

#[test]
fn ordinary_user() {
    need!(
        "ordinary_user",
        is_root(),
        "needs root, to become an ordinary user"
    );
    for signal in [Signal::TERM, Signal::KILL] {
        let sandbox = Sandbox::new(30);
        places::set_mode(sandbox.root(), 0o755);
        places::give_to_nobody(sandbox.root());
        let mut line = sandbox.line();
        let teardown = Teardown::new(&sandbox);
        let plant = sandbox.plant().line(&line).leaves(&Leaf::ALL);
        let run = sandbox
            .run()
            .via(AS_NOBODY)
            .app("a")
            .option("--grace", "0.3s")
            .teardown(teardown.command());
        let running = run.program(plant.command()).spawn_ready(&mut line);
        let (guardian, result) = (running.guardian(), running.result().to_owned());
        running.signal(signal);
        running.wait();
        wait_gone(sandbox.until(), &guardian);
        sandbox.assert_no_survivors();
        teardown.assert_once();
        assert_eq!(
            Record::read(&result).containment.as_deref(),
            Some("subreaper")
        );
    }
}

/// What is wrong is said, and not what follows from it.
#[test]
fn without_proc_the_remedy_is_named() {
    let test = "without_proc_the_remedy_is_named";
    need!(test, is_root(), "needs root, to cover /proc");
    let sandbox = Sandbox::new(30);
    let cover = "mount -t tmpfs none /proc && exec \"$@\"";
    let ended = sandbox
        .run()
        .via(["unshare", "--mount", "sh", "-c", cover, "sh"])
        .shell("exit 0")
        .finish();
    ended.assert_code(125);
    assert!(
        ended.stderr.contains("/proc is not mounted"),
        "{}",
        ended.stderr
    );
}
