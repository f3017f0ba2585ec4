//! What a sweep does without the engine, and what it leaves alone with it.

use std::fs;
use std::process::{Command, Stdio};

use runward_tests::binaries;
use rustix::process::Signal;

use crate::drill::{assert_deployed, waiting};
use crate::harness::{Bed, bed, names};
use crate::proxy::Proxy;

/// A stack that somebody deploys without any run.
pub(crate) fn deploy(bed: &Bed, app: &str) -> String {
    let stack = app.replace('.', "_");
    let command = r#"["busybox","sh","-c","trap 'exit 0' TERM; while :; do busybox sleep 1000 & wait; done"]"#;
    let compose = format!(
        "version: \"3.8\"\nservices: {{app: {{image: \"tiny:1\", command: {command}, volumes: [\"data:/data\"]}}}}\nvolumes: {{data: {{}}}}\n"
    );
    bed.swarm().deploy(&stack, &compose);
    stack
}

#[track_caller]
fn remove(bed: &Bed, stack: &str) {
    let mut rm = Command::new(binaries::runward());
    bed.equip(&mut rm);
    let status = rm
        .args(["swarm", "rm", stack])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// A run that was killed with its guardian and has left all kinds of things.
fn dead_run(bed: &Bed) -> String {
    let (mut line, gate) = (bed.sandbox.line(), bed.sandbox.gate());
    let build = bed.build("shop", 1, &waiting(&line, &gate));
    let stack = build.stack();
    let running = bed.start(build);
    running.wait_word(&mut line, "ready");
    running.kill_both();
    running.wait();
    stack
}

#[test]
fn an_engine_that_goes_away_in_mid_discovery_leaves_all_as_it_is() {
    let Some(bed) = bed(
        "an_engine_that_goes_away_in_mid_discovery_leaves_all_as_it_is",
        90,
    ) else {
        return;
    };
    let stack = dead_run(&bed);
    let engine = bed.swarm().socket();
    let through = |proxy: &Proxy| {
        let socket = proxy.socket().to_str().expect("a plain path");
        bed.sweep(&["--docker", socket])
    };
    let before = bed.left(std::slice::from_ref(&stack));
    let mut failed = 0;
    // One call more each time, until a discovery is complete, and the engine is gone in the middle of the reap.
    let swept = loop {
        let proxy = Proxy::new(bed.sandbox.fresh("sock"), &engine, failed);
        let swept = through(&proxy);
        if swept.code != 2 {
            break swept;
        }
        assert!(
            swept.stderr.contains("nothing is reaped"),
            "{}",
            swept.stderr
        );
        assert!(
            swept.stderr.contains(&*proxy.socket().to_string_lossy()),
            "{}",
            swept.stderr
        );
        assert_eq!(
            bed.left(std::slice::from_ref(&stack)),
            before,
            "after {failed} calls"
        );
        failed += 1;
    };
    assert!(
        (4..40).contains(&failed),
        "a discovery takes several calls: {failed}"
    );
    swept.assert_code(1);
    assert!(
        swept.stdout.contains(&format!("left stack \"{stack}\"")),
        "{}",
        swept.stdout
    );
    // It is tried again, but not at once.
    let swept = bed.sweep(&[]);
    swept.assert_code(1);
    assert!(swept.stdout.contains("tried 1 time"), "{}", swept.stdout);
    remove(&bed, &stack);
}

#[test]
fn a_foreign_stack_is_untouched_and_gets_no_lock_file() {
    let Some(bed) = bed("a_foreign_stack_is_untouched_and_gets_no_lock_file", 90) else {
        return;
    };
    let foreign = deploy(&bed, &format!("warm-keycloak.{}", bed.zone));
    let dead = dead_run(&bed);
    let before = bed.objects(&foreign);
    let swept = bed.sweep(&[]);
    swept.assert_code(0);
    assert!(
        swept.stdout.contains(&foreign),
        "it has a reason: {}",
        swept.stdout
    );
    assert_eq!(bed.objects(&foreign), before);
    assert_eq!(bed.left(std::slice::from_ref(&dead)), Vec::<String>::new());
    remove(&bed, &foreign);
}

/// After a reboot the locks are gone with their tmpfs, and the stacks are not.
#[test]
fn a_stack_without_a_lock_file_is_reaped_only_if_allowed() {
    let Some(bed) = bed("a_stack_without_a_lock_file_is_reaped_only_if_allowed", 90) else {
        return;
    };
    let app = format!("shop-0a1b2c.{}", bed.zone);
    let stack = deploy(&bed, &app);
    let has_container = || {
        bed.objects(&stack)
            .iter()
            .any(|object| object.starts_with("container"))
    };
    crate::harness::until("a container", has_container);
    let before = bed.objects(&stack);
    bed.sweep(&["--app", r"shop-999999\.example\.org"])
        .assert_code(0);
    assert_eq!(bed.objects(&stack), before);
    assert!(!names(&bed.sandbox.path("locks")).contains(&app));
    let swept = bed.sweep(&[]);
    swept.assert_code(0);
    assert_eq!(bed.left(&[stack]), Vec::<String>::new(), "{}", swept.stdout);
}

#[test]
fn what_a_reboot_leaves_of_a_run_goes() {
    let Some(bed) = bed("what_a_reboot_leaves_of_a_run_goes", 90) else {
        return;
    };
    let stack = dead_run(&bed);
    // Its processes end with the machine, its locks with the tmpfs.
    for one in bed.sandbox.survivors() {
        one.signal(Signal::KILL);
    }
    assert!(bed.sandbox.everyone_ended_by(bed.sandbox.until()));
    fs::remove_dir_all(bed.sandbox.path("locks")).expect("the locks");
    assert_deployed(&bed, &stack);
    bed.sweep(&[]).assert_code(0);
    let left = bed.left(&[stack]);
    let left: Vec<_> = left
        .iter()
        .filter(|one| !one.starts_with("cgroup "))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}
