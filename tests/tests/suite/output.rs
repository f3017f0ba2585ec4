//! Outputs that are closed, full, or read by nobody.

use std::io::PipeReader;
use std::process::Stdio;
use std::time::Duration;

use runward_tests::{Leaf, Record, Run, Sandbox, Teardown, Then};
use rustix::process::Signal;

fn pipe() -> (PipeReader, Stdio) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    (reader, writer.into())
}

fn closed<'a>(sandbox: &'a Sandbox, how: &str) -> Run<'a> {
    sandbox
        .run()
        .via(["sh", "-c", &format!("exec \"$@\" {how}"), "sh"])
}

#[test]
fn closed_outputs_change_nothing() {
    let sandbox = Sandbox::new(60);
    for how in [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let mut line = sandbox.line();
        let teardown = Teardown::new(&sandbox);
        let plant = sandbox
            .plant()
            .line(&line)
            .leaves(&Leaf::MATRIX)
            .then(Then::Exit(7));
        let run = closed(&sandbox, how).app("a").teardown(teardown.command());
        let ended = run.program(plant.command()).finish();
        ended.assert_code(7);
        line.wait_end();
        sandbox.assert_no_survivors();
        teardown.assert_once();
        assert_eq!(ended.record().exit, 7, "{how}");
    }
}

/// With stdout and stderr closed, the next files that runward opens must not become them.
#[test]
fn what_the_program_writes_reaches_no_file_of_ours() {
    let sandbox = Sandbox::new(30);
    let run = closed(&sandbox, "<&- >&- 2>&-")
        .app("a")
        .option("--events", sandbox.path("events"));
    run.shell("echo POISON; echo POISON >&2; exit 0")
        .finish()
        .assert_code(0);
    let found = std::process::Command::new("grep")
        .args(["-rl", "POISON"])
        .arg(sandbox.root())
        .output()
        .expect("grep starts");
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let poisoned: Vec<&str> = text
        .lines()
        .filter(|path| !path.contains("/result-") && !is_argv(path))
        .collect();
    assert!(poisoned.is_empty(), "{poisoned:?}");
}

/// Whether all that a file says about the program is its command line.
fn is_argv(path: &str) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines()
        .filter(|line| line.contains("POISON"))
        .all(|line| line.contains("echo POISON"))
}

#[test]
fn a_reader_that_is_gone_changes_nothing() {
    let sandbox = Sandbox::new(60);
    for signal in [None, Some(Signal::TERM)] {
        let mut line = sandbox.line();
        let (teardown, then) = (
            Teardown::new(&sandbox).bytes(1 << 20),
            if signal.is_some() {
                Then::Wait
            } else {
                Then::Exit(7)
            },
        );
        let leaves: &[Leaf] = if signal.is_some() {
            &[Leaf::Session]
        } else {
            &Leaf::MATRIX
        };
        let ((out, stdout), (err, stderr)) = (pipe(), pipe());
        drop((out, err));
        let run = sandbox
            .run()
            .app("a")
            .teardown(teardown.command())
            .output(stdout, stderr);
        let running = run
            .program(
                sandbox
                    .plant()
                    .line(&line)
                    .leaves(leaves)
                    .then(then)
                    .command(),
            )
            .spawn_ready(&mut line);
        signal.into_iter().for_each(|signal| running.signal(signal));
        running
            .wait()
            .assert_code(if signal.is_some() { 143 } else { 7 });
        line.wait_end();
        teardown.assert_once();
    }
}

/// The pipes are there, but nobody takes anything out.
#[test]
fn a_teardown_that_writes_megabytes_for_nobody() {
    let sandbox = Sandbox::new(60);
    for signal in [None, Some(Signal::TERM)] {
        let mut line = sandbox.line();
        let teardown = Teardown::new(&sandbox).bytes(8 << 20);
        let then = if signal.is_some() {
            Then::Wait
        } else {
            Then::Exit(7)
        };
        let ((_out, stdout), (_err, stderr)) = (pipe(), pipe());
        let run = sandbox
            .run()
            .app("a")
            .teardown(teardown.command())
            .output(stdout, stderr);
        let running = run
            .program(sandbox.plant().line(&line).then(then).command())
            .spawn_ready(&mut line);
        signal.into_iter().for_each(|signal| running.signal(signal));
        assert!(
            running.ends_within(Duration::from_secs(20)),
            "it waits for a reader"
        );
        running
            .wait()
            .assert_code(if signal.is_some() { 143 } else { 7 });
        teardown.assert_once();
    }
}

#[test]
fn a_killed_owner_leaves_its_teardown_a_place_to_write() {
    let sandbox = Sandbox::new(60);
    let mut line = sandbox.line();
    let teardown = Teardown::new(&sandbox).bytes(4 << 20);
    let ((out, stdout), (err, stderr)) = (pipe(), pipe());
    let run = sandbox
        .run()
        .app("a")
        .teardown(teardown.command())
        .output(stdout, stderr);
    let running = run
        .program(sandbox.plant().line(&line).leaves(&Leaf::ALL).command())
        .spawn_ready(&mut line);
    let guardian = running.guardian();
    running.signal(Signal::KILL);
    drop((out, err));
    if let Some(pidfd) = guardian.pidfd() {
        assert!(
            runward_tests::procs::wait_end(&pidfd, sandbox.until()),
            "the guardian does not end"
        );
    }
    teardown.assert_once();
    assert_eq!(Record::read(running.result()).teardowns[0].code, Some(0));
}

#[test]
fn what_a_teardown_says_is_shown() {
    let sandbox = Sandbox::new(30);
    let ended = sandbox
        .run()
        .teardown("sh -c 'echo teardown $((40 + 2)); echo error $((40 + 3)) >&2'")
        .shell("echo from the program")
        .finish();
    ended.assert_code(0);
    assert_eq!(
        ended.stdout, "from the program\n",
        "stdout belongs to the program"
    );
    // Not as the command says it, which is shown as well.
    for said in ["teardown 42", "error 43"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}
