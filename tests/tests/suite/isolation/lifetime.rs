//! Guards first: whoever ends a run, its teardown runs.

use std::process::Command;

use runward_tests::{Record, Running, Sandbox, Teardown, Then};
use rustix::process::Signal;

/// A run that works until it is ended.
fn working<'a>(
    sandbox: &'a Sandbox,
    teardown: &Teardown,
    line: &runward_tests::Line,
) -> runward_tests::Run<'a> {
    let work = sandbox
        .plant()
        .line(line)
        .leaves(&[runward_tests::Leaf::Session])
        .command();
    sandbox
        .run()
        .app("web")
        .teardown(teardown.command())
        .program(work)
}

#[test]
fn the_death_of_the_parent_ends_the_run_with_its_teardown() {
    let sandbox = Sandbox::new(30);
    let (mut line, teardown) = (sandbox.line(), Teardown::new(&sandbox));
    let run = working(&sandbox, &teardown, &line);
    let (result, script) = (
        run.result(),
        format!("{}\necho not reached", run.shell_line()),
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).current_dir(sandbox.root());
    let parent = Running::of(&sandbox, command);
    parent.wait_word(&mut line, "ready");
    parent.signal(Signal::KILL);
    parent.wait();
    assert!(sandbox.everyone_ended_by(sandbox.until()));
    teardown.assert_once();
    let record = Record::read(&result);
    assert_eq!((record.cause.kind.as_str(), record.exit), ("ancestor", 143));
}

/// One that is gone before this process exists is none of its ancestors; `Lifetime::expect_parent` is for who knows better.
#[test]
fn a_parent_that_is_dead_before_the_work_began_lets_none_begin() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let holder = sandbox.plant().line(&line).gate(&gate).then(Then::Gate);
    let holder = sandbox
        .run()
        .app("web")
        .program(holder.command())
        .spawn_ready(&mut line);
    let (ran, teardown) = (sandbox.path("ran"), Teardown::new(&sandbox));
    let run = sandbox.run().app("web").teardown(teardown.command());
    let run = run.program(["touch".as_ref(), ran.as_os_str()]);
    let (result, script) = (
        run.result(),
        format!("{}\necho not reached", run.shell_line()),
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).current_dir(sandbox.root());
    let parent = Running::of(&sandbox, command);
    parent.wait_stderr("web");
    let waiting = parent.owner().pidfd().expect("it waits");
    parent.signal(Signal::KILL);
    parent.wait();
    assert!(
        runward_tests::procs::wait_end(&waiting, sandbox.until()),
        "it still waits"
    );
    gate.open();
    holder.wait().assert_code(0);
    assert!(!ran.exists());
    assert_eq!(Record::read(&result).exit, 143);
    assert_eq!(teardown.counts(), (0, 0), "there was nothing to tear down");
}

#[test]
fn sigterm_ends_with_143_and_teardown() {
    let sandbox = Sandbox::new(30);
    let (mut line, teardown) = (sandbox.line(), Teardown::new(&sandbox));
    let running = working(&sandbox, &teardown, &line).spawn_ready(&mut line);
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
    teardown.assert_once();
    sandbox.assert_no_survivors();
}

#[test]
fn the_deadline_ends_with_142_and_teardown() {
    let sandbox = Sandbox::new(30);
    let (mut line, teardown) = (sandbox.line(), Teardown::new(&sandbox));
    let run = working(&sandbox, &teardown, &line).option("--deadline", "500ms");
    run.spawn_ready(&mut line).wait().assert_code(142);
    teardown.assert_once();
    sandbox.assert_no_survivors();
}
