//! A run in a run; and teardowns after everything around them is gone.

use std::ffi::OsString;
use std::fs;

use runward_tests::{Leaf, Line, Record, Run, Running, Sandbox, Teardown};
use runward_tests::{procs, skip};
use rustix::process::Signal;

struct Nest {
    sandbox: Sandbox,
    outer: Teardown,
    inner: Teardown,
}

impl Nest {
    fn new() -> Self {
        let sandbox = Sandbox::new(40);
        let (outer, inner) = (Teardown::new(&sandbox), Teardown::new(&sandbox));
        Self {
            sandbox,
            outer,
            inner,
        }
    }

    fn inner(&self, containment: &str, line: &Line) -> Run<'_> {
        let plant = self.sandbox.plant().line(line).leaves(&Leaf::ALL);
        let run = self
            .sandbox
            .run()
            .app("inner")
            .containment(containment)
            .option("--grace", "0.3s");
        run.teardown(self.inner.command()).program(plant.command())
    }

    fn start(&self, outer: &str, inner: Vec<OsString>) -> Running<'_> {
        let run = self
            .sandbox
            .run()
            .app("outer")
            .containment(outer)
            .teardown(self.outer.command());
        run.program(inner).spawn()
    }

    #[track_caller]
    fn assert_all_ended(&self, line: &mut Line) {
        assert!(
            self.sandbox.everyone_ended_by(self.sandbox.until()),
            "{:#?}",
            self.sandbox.everyone()
        );
        line.wait_end();
        for app in ["outer", "inner"] {
            self.sandbox
                .run()
                .app(app)
                .option("--wait", "0")
                .shell("exit 0")
                .finish()
                .assert_code(0);
        }
    }
}

const PAIRS: [(&str, &str); 4] = [
    ("auto", "auto"),
    ("subreaper", "subreaper"),
    ("auto", "subreaper"),
    ("subreaper", "auto"),
];

#[test]
fn both_tear_down_when_the_outer_is_cancelled() {
    for (outer, inner) in PAIRS {
        let nest = Nest::new();
        let mut line = nest.sandbox.line();
        let run = nest.inner(inner, &line);
        let inner_result = run.result();
        let running = nest.start(outer, run.command_line());
        running.wait_word(&mut line, "ready");
        running.signal(Signal::TERM);
        running.wait().assert_code(143);
        nest.assert_all_ended(&mut line);
        nest.outer.assert_once();
        nest.inner.assert_once();
        assert_eq!(Record::read(&inner_result).exit, 143, "{inner} in {outer}");
    }
}

#[test]
fn nothing_is_left_when_the_outer_is_killed() {
    for (outer, inner) in PAIRS {
        let nest = Nest::new();
        let mut line = nest.sandbox.line();
        let running = nest.start(outer, nest.inner(inner, &line).command_line());
        running.wait_word(&mut line, "ready");
        running.signal(Signal::KILL);
        running.wait();
        nest.assert_all_ended(&mut line);
        nest.outer.assert_once();
        // Its guardian may have been killed with the tree that it is part of; then the run after did it.
        nest.inner.assert_once();
    }
}

#[test]
fn only_the_inner_ends_when_the_inner_is_killed() {
    let nest = Nest::new();
    let (mut line, mut gate) = (nest.sandbox.line(), nest.sandbox.gate());
    let script = format!(
        "{} & echo $! > inner-pid; read x < {}; exit 4",
        nest.inner("auto", &line).shell_line(),
        gate.path().display()
    );
    let running = nest.start("auto", ["sh", "-c", &script].map(OsString::from).to_vec());
    running.wait_word(&mut line, "ready");
    let pid = fs::read_to_string(nest.sandbox.path("inner-pid")).expect("the shell wrote it");
    let inner =
        procs::Proc::find(pid.trim().parse().expect("a number")).expect("the inner run lives");
    inner.signal(Signal::KILL);
    line.wait_end();
    assert!(
        !running.ends_within(std::time::Duration::from_millis(200)),
        "the outer run goes on"
    );
    gate.open_line();
    running.wait().assert_code(4);
    nest.inner.assert_once();
    nest.outer.assert_once();
}

#[test]
fn a_teardown_outlives_home_folder_and_program() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let workspace = sandbox.path("workspace");
    fs::create_dir(&workspace).expect("a directory");
    let teardown = Teardown::new(&sandbox);
    let plant = sandbox.plant().line(&line).leaves(&Leaf::ALL);
    let run = sandbox
        .run()
        .folder(&workspace)
        .env("HOME", &workspace)
        .env("TMPDIR", &workspace);
    let running = run
        .teardown(teardown.command())
        .program(plant.command())
        .spawn_ready(&mut line);
    let guardian = running.guardian();
    running.signal(Signal::KILL);
    fs::remove_dir_all(&workspace).expect("nobody writes there");
    if let Some(pidfd) = guardian.pidfd() {
        assert!(
            procs::wait_end(&pidfd, sandbox.until()),
            "the guardian does not end"
        );
    }
    line.wait_end();
    teardown.assert_once();
    assert_eq!(Record::read(running.result()).teardowns[0].code, Some(0));
}

#[test]
fn a_run_is_refused_the_app_of_the_run_around_it_though_the_environment_was_lost() {
    let nest = Nest::new();
    let inner = nest.sandbox.run().via(["env", "-i"]).app("outer");
    let line = inner.program(["true"]).command_line();
    let ended = nest.start("auto", line).wait();
    ended.assert_code(125);
    let said = "is owned by the run that this one is a part of";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let owner = ended.record().run_id;
    assert!(ended.stderr.contains(&owner), "{}", ended.stderr);
}

/// Nothing is left of the environment, and whoever waits is out of sight; the cgroup is not.
#[test]
fn a_run_in_a_pid_namespace_does_not_wait_for_its_own_app() {
    let test = "a_run_in_a_pid_namespace_does_not_wait_for_its_own_app";
    if crate::sweeping::lacks_cgroup(test) || !skip::is_root() {
        return skip::skip(test, "needs root, to make a pid namespace");
    }
    for proc in [&["--mount-proc"][..], &[]] {
        let sandbox = Sandbox::new(20);
        let inner = sandbox.run().app("web").shell("echo ran").command_line();
        let words = ["unshare", "--pid", "--fork"].iter().chain(proc);
        let words = words.chain(&["env", "-i"]).map(OsString::from);
        let outer = sandbox.run().app("web").program(words.chain(inner));
        let ended = outer.finish();
        ended.assert_code(125);
        assert!(ended.stderr.contains("never end"), "{}", ended.stderr);
    }
}
