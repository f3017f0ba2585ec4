//! One lock for each app: the kernel's, and of nobody but the run.

use runward_tests::{Sandbox, Teardown, Then};
use rustix::process::Signal;

/// Fails if somebody else is in there.
fn alone(sandbox: &Sandbox) -> String {
    let folder = sandbox.path("inside");
    format!(
        "mkdir {0} || exit 9; sleep 0.02; rmdir {0}",
        folder.display()
    )
}

#[test]
fn the_lock_is_exclusive_between_processes() {
    let sandbox = Sandbox::new(30);
    let start = |_| sandbox.run().app("web").shell(&alone(&sandbox)).spawn();
    let runs: Vec<_> = (0..8).map(start).collect();
    for run in runs {
        run.wait().assert_code(0);
    }
}

#[test]
fn a_second_acquirer_blocks_and_goes_on_after_the_release() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let work = sandbox.plant().line(&line).gate(&gate).then(Then::Gate);
    let first = sandbox
        .run()
        .app("web")
        .option("--run-id", "first")
        .program(work.command());
    let first = first.spawn_ready(&mut line);
    let second = sandbox.run().app("web").shell("echo in").spawn();
    second.wait_stderr("first");
    assert_eq!(second.stdout().text(), "");
    gate.open();
    first.wait().assert_code(0);
    let ended = second.wait();
    ended.assert_code(0);
    assert_eq!(ended.stdout, "in\n");
}

#[test]
fn a_sigkill_of_the_holder_frees_the_lock() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let work = sandbox.plant().line(&line).command();
    let holder = sandbox
        .run()
        .app("web")
        .program(work)
        .spawn_ready(&mut line);
    holder.kill_both();
    holder.wait();
    sandbox
        .run()
        .app("web")
        .option("--wait", "0")
        .shell("exit 0")
        .finish()
        .assert_code(0);
}

#[test]
fn a_surviving_child_does_not_hold_the_lock() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let work = sandbox
        .plant()
        .line(&line)
        .leaves(&[runward_tests::Leaf::Session])
        .then(Then::Exit(0));
    let run = sandbox.run().app("web").option("--leaks", "allow");
    let run = run.program(work.command()).spawn_ready(&mut line);
    run.wait().assert_code(0);
    assert!(!sandbox.survivors().is_empty(), "the child must survive");
    sandbox
        .run()
        .app("web")
        .option("--wait", "0")
        .shell("exit 0")
        .finish()
        .assert_code(0);
    assert!(!sandbox.survivors().is_empty());
}

/// More than the twenty: whoever sweeps may be killed too, and its teardown goes on without it.
#[test]
fn the_teardown_of_a_killed_sweep_is_waited_for_by_the_next_run() {
    if crate::sweeping::lacks_cgroup("the_teardown_of_a_killed_sweep_is_waited_for_by_the_next_run")
    {
        return;
    }
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let teardown = Teardown::new(&sandbox).line(&line).gate(&gate);
    let dead = crate::sweeping::start(&sandbox, Some("web"), &teardown);
    dead.kill_both();
    dead.wait();
    let sweep = runward_tests::Running::of(&sandbox, runward_tests::sweep::command(&sandbox));
    sweep.wait_word(&mut line, "teardown-start");
    sweep.signal(Signal::KILL);
    sweep.wait();
    let look = format!("grep -c end {}", teardown.log().display());
    let next = sandbox.run().app("web").shell(&look).spawn();
    assert!(
        !next.ends_within(std::time::Duration::from_millis(300)),
        "it must wait"
    );
    gate.open();
    let ended = next.wait();
    ended.assert_code(0);
    assert_eq!(ended.stdout, "1\n");
    teardown.assert_once();
}
