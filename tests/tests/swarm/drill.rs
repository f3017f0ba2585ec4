//! The live drill: a cancel leaves nothing, two recipes side by side, one pull request twice, one green run.

use std::fs;

use runward_tests::{Gate, Line, Running};
use rustix::process::Signal;

use crate::harness::{Bed, bed, record};

/// A test of a recipe that says that it runs, and goes on when its gate opens.
pub(crate) fn waiting(line: &Line, gate: &Gate) -> String {
    let (line, gate) = (line.path().display(), gate.path().display());
    format!("#!/bin/sh\nexec 9>{line}\necho ready >&9\nread go <{gate}\necho passed\n")
}

/// All kinds of objects that the recipe has.
#[track_caller]
pub(crate) fn assert_deployed(bed: &Bed, stack: &str) {
    let objects = bed.objects(stack);
    for kind in [
        "service",
        "task",
        "container",
        "network",
        "volume",
        "config",
        "secret",
    ] {
        let found = objects.iter().any(|object| object.starts_with(kind));
        assert!(found, "no {kind}: {objects:?}");
    }
}

#[track_caller]
fn assert_nothing_after_a_sweep(bed: &Bed, stacks: &[String]) {
    bed.wait_for_nothing(stacks);
    bed.sweep(&[]).assert_code(0);
    assert_eq!(bed.left(stacks), Vec::<String>::new());
}

/// What Drone does to a step: its shell is killed, and nobody else; its directory is deleted.
#[test]
fn a_cancel_by_the_runner_in_mid_run_leaves_nothing() {
    let Some(bed) = bed("a_cancel_by_the_runner_in_mid_run_leaves_nothing", 90) else {
        return;
    };
    let (mut line, gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let build = bed.build("shop", 1, &waiting(&line, &gate));
    let (stacks, result, workspace) = (
        [build.stack()],
        build.result.clone(),
        build.workspace.clone(),
    );
    let step = bed.start(build.under_a_shell());
    step.wait_word(&mut line, "ready");
    assert_deployed(&bed, &stacks[0]);
    step.signal(Signal::KILL);
    let _ = fs::remove_dir_all(workspace);
    step.wait();
    assert_nothing_after_a_sweep(&bed, &stacks);
    let record = record(&result);
    assert_eq!((record.cause.kind.as_str(), record.exit), ("ancestor", 143));
    assert_eq!(record.teardowns[0].code, Some(0));
}

#[test]
fn a_cancel_by_signal_in_mid_run_leaves_nothing() {
    let Some(bed) = bed("a_cancel_by_signal_in_mid_run_leaves_nothing", 90) else {
        return;
    };
    let (mut line, gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let build = bed.build("shop", 1, &waiting(&line, &gate));
    let stacks = [build.stack()];
    let running = bed.start(build);
    running.wait_word(&mut line, "ready");
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
    assert_nothing_after_a_sweep(&bed, &stacks);
}

#[test]
fn two_recipes_run_side_by_side() {
    let Some(bed) = bed("two_recipes_run_side_by_side", 120) else {
        return;
    };
    let start = |recipe: &str| {
        let (line, gate) = (bed.sandbox.line(), bed.sandbox.gate());
        let build = bed.build(recipe, 1, &waiting(&line, &gate));
        let stack = build.stack();
        let result = build.result.clone();
        (bed.start(build), line, gate, stack, result)
    };
    let mut both = ["shop", "matrix-synapse"].map(start);
    for (running, line, _, stack, _) in &mut both {
        running.wait_word(line, "ready");
        assert_deployed(&bed, stack);
    }
    let stacks = [both[0].3.clone(), both[1].3.clone()];
    assert_ne!(stacks[0], stacks[1]);
    for (running, _, mut gate, _, result) in both {
        gate.open_line();
        let ended = running.wait();
        ended.assert_code(0);
        assert!(ended.stdout.contains("passed"));
        assert_eq!(record(&result).apps[0].waited_ms, 0);
    }
    assert_nothing_after_a_sweep(&bed, &stacks);
}

#[test]
fn the_same_pull_request_twice_the_second_blocks_visibly_then_runs() {
    let Some(bed) = bed(
        "the_same_pull_request_twice_the_second_blocks_visibly_then_runs",
        120,
    ) else {
        return;
    };
    let (mut line, mut gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let first = bed.build("shop", 7, &waiting(&line, &gate));
    let (app, stacks) = (first.app.clone(), [first.stack()]);
    let first = bed.start(first);
    first.wait_word(&mut line, "ready");
    let second = bed.build("shop", 7, "#!/bin/sh\necho second\n");
    let result = second.result.clone();
    let second = bed.start(second);
    assert_blocks_visibly(&second, &app);
    assert_deployed(&bed, &stacks[0]);
    gate.open_line();
    first.wait().assert_code(0);
    let ended = second.wait();
    ended.assert_code(0);
    assert!(ended.stdout.contains("second"));
    assert!(record(&result).apps[0].waited_ms > 0);
    assert_nothing_after_a_sweep(&bed, &stacks);
}

#[track_caller]
fn assert_blocks_visibly(second: &Running<'_>, app: &str) {
    second.wait_stderr(app);
    second.wait_stderr("deploy-and-test");
    assert!(second.stdout().text().is_empty(), "it has begun");
}

#[test]
fn one_full_green_run() {
    let Some(bed) = bed("one_full_green_run", 90) else {
        return;
    };
    let test =
        fs::read_to_string(crate::build::example("recipe/ci/test")).expect("the recipe's own test");
    let build = bed.build("shop", 3, &test);
    let (app, stacks, result) = (build.app.clone(), [build.stack()], build.result.clone());
    let ended = bed.start(build).wait();
    ended.assert_code(0);
    assert!(
        ended.stdout.contains(&format!("hello from {app}")),
        "{}",
        ended.stdout
    );
    let record = record(&result);
    assert_eq!(record.apps[0].name, app);
    assert!(record.leaks.is_empty() && record.survivors.is_empty());
    assert_nothing_after_a_sweep(&bed, &stacks);
}

#[test]
fn a_red_test_stays_red_and_is_taken_down() {
    let Some(bed) = bed("a_red_test_stays_red_and_is_taken_down", 90) else {
        return;
    };
    let build = bed.build("shop", 4, "#!/bin/sh\nexit 7\n");
    let stacks = [build.stack()];
    bed.start(build).wait().assert_code(7);
    assert_nothing_after_a_sweep(&bed, &stacks);
}
