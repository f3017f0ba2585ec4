//! What still changes the app after its run was killed is ended before the app is touched.

use std::fs;
use std::path::Path;

use runward_tests::{Gate, Line, Running};
use rustix::process::Signal;

use crate::drill::{assert_deployed, waiting};
use crate::harness::{Bed, bed};

/// Docker's command line, which waits at a gate before it deploys.
fn gated(line: &Line, gate: &Gate) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let docker = path
        .split(':')
        .map(|folder| Path::new(folder).join("docker"));
    let docker = docker
        .into_iter()
        .find(|path| path.exists())
        .expect("docker is installed");
    format!(
        "#!/bin/sh\ncase \"$1 $2\" in 'stack deploy') exec 9>{}; echo about >&9; read go <{}; echo passed >&9 ;; esac\nexec {} \"$@\"\n",
        line.path().display(),
        gate.path().display(),
        docker.display()
    )
}

/// A run whose abra is about to create a service, and which has been killed since.
#[track_caller]
fn orphaned<'a>(bed: &'a Bed, line: &mut Line, gate: &Gate) -> (Running<'a>, String) {
    bed.install("docker", &gated(line, gate));
    let build = bed.build("shop", 1, "#!/bin/sh\n");
    let stack = build.stack();
    let running = bed.start(build);
    running.wait_word(line, "about");
    running.kill_both();
    (running, stack)
}

#[test]
fn an_orphan_that_is_about_to_create_a_service_is_ended_first() {
    let Some(bed) = bed(
        "an_orphan_that_is_about_to_create_a_service_is_ended_first",
        90,
    ) else {
        return;
    };
    let (mut line, mut gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let (running, stack) = orphaned(&bed, &mut line, &gate);
    running.wait();
    assert!(
        !bed.sandbox.survivors().is_empty(),
        "the kill must leave the orphan"
    );
    assert!(
        bed.objects(&stack)
            .iter()
            .any(|object| object.starts_with("secret"))
    );
    bed.sweep(&[]).assert_code(0);
    assert_eq!(bed.left(std::slice::from_ref(&stack)), Vec::<String>::new());
    gate.open_line();
    line.wait_end();
    assert!(!line.text().contains("passed"));
    assert_eq!(bed.objects(&stack), Vec::<String>::new());
}

/// The guard without which the test above would mean nothing: nobody sweeps, and the orphan does what it was about to do.
#[test]
fn an_orphan_that_nobody_ends_creates_its_service() {
    let Some(bed) = bed("an_orphan_that_nobody_ends_creates_its_service", 90) else {
        return;
    };
    let (mut line, mut gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let (running, stack) = orphaned(&bed, &mut line, &gate);
    running.wait();
    gate.open_line();
    line.wait_for("passed");
    crate::harness::until("a service", || {
        bed.objects(&stack)
            .iter()
            .any(|object| object.starts_with("service"))
    });
    bed.sweep(&[]).assert_code(0);
    assert_eq!(bed.left(&[stack]), Vec::<String>::new());
}

/// No sweep is needed where the same pull request is built again.
#[test]
fn the_next_run_of_the_app_ends_the_orphan_first() {
    let Some(bed) = bed("the_next_run_of_the_app_ends_the_orphan_first", 90) else {
        return;
    };
    let (mut line, mut gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let (running, stack) = orphaned(&bed, &mut line, &gate);
    running.wait();
    let (mut next_line, next_gate) = (bed.sandbox.line(), bed.sandbox.gate());
    fs::remove_file(bed.sandbox.path("bin/docker")).expect("the gated one");
    let next = bed.start(bed.build("shop", 1, &waiting(&next_line, &next_gate)));
    next.wait_word(&mut next_line, "ready");
    assert_deployed(&bed, &stack);
    gate.open_line();
    line.wait_end();
    assert!(!line.text().contains("passed"));
    next.signal(Signal::TERM);
    next.wait().assert_code(143);
    bed.sweep(&[]).assert_code(0);
    assert_eq!(bed.left(&[stack]), Vec::<String>::new());
}

/// Somebody cleans up where the locks lie, or puts them back from a copy: the run lives all the same.
#[test]
fn the_stack_of_a_live_run_stays_when_its_lock_file_is_taken_away() {
    let Some(bed) = bed(
        "the_stack_of_a_live_run_stays_when_its_lock_file_is_taken_away",
        90,
    ) else {
        return;
    };
    let (mut line, mut gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let build = bed.build("shop", 1, &waiting(&line, &gate));
    let stack = build.stack();
    let running = bed.start(build);
    running.wait_word(&mut line, "ready");
    let before = bed.objects(&stack);
    assert_deployed(&bed, &stack);
    fs::remove_dir_all(bed.sandbox.path("locks")).expect("removed");
    let swept = bed.sweep(&[]);
    assert!(
        swept.stdout.contains("owns it and lives"),
        "{}",
        swept.stdout
    );
    assert_eq!(bed.objects(&stack), before);
    gate.open_line();
    running.wait();
}
