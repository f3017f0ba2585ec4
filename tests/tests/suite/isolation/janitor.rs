//! The janitor probes, and never guesses.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use runward_tests::places::Tmpfs;
use runward_tests::sweep::{self, sweep};
use runward_tests::{Running, Sandbox, Teardown, need};
use rustix::process::Signal;

use crate::sweeping::{NO_OPTIONS, lacks_cgroup, left, names, start};

/// A run that owned this app and was killed with its guardian.
#[track_caller]
fn dead_run(sandbox: &Sandbox, app: &str, teardown: &Teardown) {
    let running = start(sandbox, Some(app), teardown);
    running.kill_both();
    running.wait();
}

#[test]
fn an_orphan_is_reaped() {
    if lacks_cgroup("an_orphan_is_reaped") {
        return;
    }
    let sandbox = Sandbox::new(30);
    let teardown = Teardown::new(&sandbox);
    dead_run(&sandbox, "web", &teardown);
    sweep(&sandbox, ["--app", "web"]).assert_code(0);
    teardown.assert_once();
    sandbox.assert_no_survivors();
    assert_eq!(left(&sandbox), Vec::<String>::new());
    assert!(!sandbox.path("locks/web").exists());
}

#[test]
fn a_live_run_is_left_alone() {
    let sandbox = Sandbox::new(30);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, Some("web"), &teardown);
    let before = left(&sandbox);
    sweep(&sandbox, ["--app", "web"]).assert_code(0);
    assert_eq!(left(&sandbox), before);
    assert_eq!(teardown.counts(), (0, 0));
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
}

/// The janitor of the apps is made to reap, as otherwise that of the runs comes first.
#[test]
fn a_new_run_of_an_app_that_is_being_reaped_waits_and_gets_a_fresh_lock_file() {
    if lacks_cgroup("a_new_run_of_an_app_that_is_being_reaped_waits_and_gets_a_fresh_lock_file") {
        return;
    }
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let teardown = Teardown::new(&sandbox).line(&line).gate(&gate);
    dead_run(&sandbox, "web", &teardown);
    let old = File::open(sandbox.path("locks/web")).expect("the lock file of the dead");
    let mut command = sweep::command(&sandbox);
    command.args(["--app", "web", "--veto", "sh -c 'test $0 = lock'"]);
    let sweep = Running::of(&sandbox, command);
    sweep.wait_word(&mut line, "teardown-start");
    let next = sandbox.run().app("web").shell("echo in").spawn();
    next.wait_stderr("web");
    assert_eq!(next.stdout().text(), "");
    gate.open();
    sweep.wait();
    let ended = next.wait();
    ended.assert_code(0);
    assert_eq!(ended.stdout, "in\n");
    let (old, new) = (old.metadata(), fs::metadata(sandbox.path("locks/web")));
    let (old, new) = (old.expect("an open file"), new.expect("a lock file"));
    assert_eq!(old.nlink(), 0, "it was unlinked");
    assert_ne!(old.ino(), new.ino());
    teardown.assert_once();
}

#[test]
fn two_janitors_reap_once() {
    if lacks_cgroup("two_janitors_reap_once") {
        return;
    }
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let teardown = Teardown::new(&sandbox).line(&line).gate(&gate);
    dead_run(&sandbox, "web", &teardown);
    let janitor = || {
        let mut command = sweep::command(&sandbox);
        command.args(["--app", "web"]);
        Running::of(&sandbox, command)
    };
    let first = janitor();
    first.wait_word(&mut line, "teardown-start");
    let second = janitor().wait();
    assert!(matches!(second.code, Some(0 | 1)), "{second:?}");
    assert_eq!(teardown.counts(), (1, 0));
    gate.open();
    first.wait().assert_code(0);
    teardown.assert_once();
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_leftover_lock_file_is_tidied() {
    let sandbox = Sandbox::new(20);
    sandbox
        .run()
        .app("web")
        .shell("exit 0")
        .finish()
        .assert_code(0);
    assert!(sandbox.path("locks/web").exists());
    sweep(&sandbox, ["--app", "web"]).assert_code(0);
    assert!(!sandbox.path("locks/web").exists());
}

#[test]
fn a_lock_that_is_held_for_long_is_flagged_and_not_stolen() {
    let sandbox = Sandbox::new(30);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, Some("web"), &teardown);
    let swept = sweep(&sandbox, ["--app", "web", "--overdue", "1ms"]);
    swept.assert_code(0);
    let flagged = swept
        .stdout
        .lines()
        .any(|line| line.starts_with("warning") && line.contains("web"));
    assert!(flagged, "{}", swept.stdout);
    assert!(sandbox.path("locks/web").exists() && !sandbox.survivors().is_empty());
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
    teardown.assert_once();
}

/// Their stacks are in the tests with an engine.
#[test]
fn warm_and_canonical_apps_are_never_probed_and_get_no_lock_file() {
    let sandbox = Sandbox::new(20);
    sandbox
        .run()
        .app("warm-keycloak")
        .shell("exit 0")
        .finish()
        .assert_code(0);
    let lock = sandbox.path("locks/warm-keycloak");
    let look = || {
        (
            fs::read(&lock).expect("a lock file"),
            fs::metadata(&lock).expect("one").ctime_nsec(),
        )
    };
    let (before, listed) = (look(), names(&sandbox.path("locks")));
    let swept = sweep(&sandbox, ["--app", "[a-z]{4}-[0-9a-f]{6}"]);
    swept.assert_code(0);
    assert!(
        swept.stdout.contains("the allow-list does not match"),
        "{}",
        swept.stdout
    );
    assert_eq!(look(), before);
    let made: Vec<_> = names(&sandbox.path("locks"))
        .into_iter()
        .filter(|name| !listed.contains(name))
        .collect();
    assert!(made.iter().all(|name| name.starts_with('.')), "{made:?}");
}

/// What resists here is a mount in the run's state directory.
#[test]
fn a_teardown_that_fails_leaves_the_lock_file_for_the_next_pass() {
    let test = "a_teardown_that_fails_leaves_the_lock_file_for_the_next_pass";
    if lacks_cgroup(test) {
        return;
    }
    let sandbox = Sandbox::new(30);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    let state = crate::state::states(&sandbox).remove(0);
    let mount = Tmpfs::mount(&state.join("tree/keep/mounted"), 64);
    running.kill_both();
    running.wait();
    need!(test, mount.is_some(), "needs to be allowed to mount");
    let swept = sweep(&sandbox, NO_OPTIONS);
    swept.assert_code(1);
    assert!(swept.stdout.contains("mounted"), "{}", swept.stdout);
    let locks = || {
        names(&sandbox.path("locks/.runs"))
            .into_iter()
            .filter(|name| name != ".epoch")
            .count()
    };
    assert_eq!((locks(), crate::state::states(&sandbox).len()), (1, 1));
    // It has moved with what it is mounted in.
    let moved = crate::state::states(&sandbox)
        .remove(0)
        .join("tree/keep/mounted");
    let unmounted = Command::new("umount").arg(moved).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    // The next pass would leave it alone for half a minute.
    fs::remove_dir_all(sandbox.path("home/sweeps")).expect("the janitor's journal");
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    assert_eq!(left(&sandbox), Vec::<String>::new());
    teardown.assert_once();
}
