//! Who is in it, and signals to them.

use std::{fs, process::Command};

use runward_cgroup::{Cgroup, Hierarchy};

use crate::harness::Scratch;

const USR1: i32 = rustix::process::Signal::USR1.as_raw();

#[test]
fn a_program_never_runs_outside() {
    let Some(mut scratch) = Scratch::new("inside") else {
        return;
    };
    let mut alive = scratch.line();
    scratch.start("grep ^0: /proc/self/cgroup >&9");
    let name = scratch.cgroup.path().file_name().unwrap().to_str().unwrap();
    let place = alive.hear();
    assert!(place.ends_with(name), "{place}");
}

#[test]
fn a_program_that_cannot_enter_does_not_run() {
    let Some(scratch) = Scratch::new("cannot-enter") else {
        return;
    };
    let inner = Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    fs::remove_dir(inner.path()).unwrap();
    let ran = scratch.path("ran");
    assert!(inner.spawn(Command::new("touch").arg(&ran)).is_err());
    assert!(!ran.exists());
}

#[test]
fn members_of_nested_cgroups_are_members() {
    let Some(mut scratch) = Scratch::new("nested") else {
        return;
    };
    let mut alive = scratch.line();
    let inner = Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    let script = "echo $$ >&9; exec sleep 600";
    scratch.start(script);
    let outer_pid = alive.hear();
    let mut child = inner.spawn(&mut scratch.shell(script)).unwrap();
    let inner_pid = alive.hear();
    assert_eq!(pids(&inner), std::slice::from_ref(&inner_pid));
    let mut all = [outer_pid, inner_pid];
    all.sort();
    assert_eq!(pids(&scratch.cgroup), all);
    drop(inner);
    assert_eq!(pids(&scratch.cgroup).len(), 1);
    child.wait().unwrap();
}

fn pids(cgroup: &Cgroup) -> Vec<String> {
    let pids = cgroup.processes().unwrap();
    let mut pids: Vec<_> = pids.iter().map(|p| p.to_string()).collect();
    pids.sort();
    pids
}

#[test]
fn a_signal_reaches_everyone_and_is_counted() {
    let Some(mut scratch) = Scratch::new("signalled") else {
        return;
    };
    let mut alive = scratch.line();
    assert_eq!(scratch.cgroup.signal(USR1).unwrap(), 0);
    // Each has a child.
    let waits = "trap 'echo heard >&9; exit' USR1; sleep 600 9>&- & echo ready >&9; wait";
    let inner = Cgroup::create(scratch.cgroup.path(), "inner").unwrap();
    scratch.start(waits);
    let mut child = inner.spawn(&mut scratch.shell(waits)).unwrap();
    assert_eq!(
        (alive.hear(), alive.hear()),
        ("ready".into(), "ready".into())
    );
    assert_eq!(scratch.cgroup.signal(USR1).unwrap(), 4);
    assert_eq!(alive.end(), "heard\nheard\n");
    child.wait().unwrap();
}

#[test]
fn a_zombie_is_no_member() {
    let Some(mut scratch) = Scratch::new("zombie") else {
        return;
    };
    let mut alive = scratch.line();
    scratch.start("exit 0");
    assert_eq!(alive.end(), "");
    assert!(scratch.cgroup.wait_empty(crate::harness::LONG).unwrap());
    assert_eq!(pids(&scratch.cgroup), Vec::<String>::new());
}

#[test]
fn the_account_of_this_host_is_true() {
    let Some(scratch) = Scratch::new("support") else {
        return;
    };
    let hierarchy = Hierarchy::find().unwrap();
    assert!(hierarchy.own().starts_with(hierarchy.mount()));
    let support = hierarchy.support();
    assert!(support.usable(), "{:?}", support.refused());
    let has = |file| scratch.cgroup.path().join(file).exists();
    assert_eq!(support.has_kill(), has("cgroup.kill"));
    assert_eq!(support.has_freeze(), has("cgroup.freeze"));
    let controllers = fs::read_to_string(hierarchy.mount().join("cgroup.controllers")).unwrap();
    assert_eq!(support.controllers().join(" "), controllers.trim());
    let probe = format!("runward-probe-{}", std::process::id());
    let left = |e: &fs::DirEntry| e.file_name().to_string_lossy().starts_with(&probe);
    let entries = fs::read_dir(hierarchy.own()).unwrap().flatten();
    assert_eq!(entries.filter(left).count(), 0, "a probe is left");
}

#[test]
fn cgroups_are_found_by_name_wherever_they_are() {
    let Some(scratch) = Scratch::new("named") else {
        return;
    };
    let prefix = format!("wanted-{}-", std::process::id());
    let outer = Cgroup::create(scratch.cgroup.path(), &format!("{prefix}a")).unwrap();
    let inner = Cgroup::create(outer.path(), &format!("{prefix}b")).unwrap();
    let _other = Cgroup::create(outer.path(), "other").unwrap();
    let found = Hierarchy::find().unwrap().named(&prefix).unwrap();
    assert_eq!(found, [outer.path(), inner.path()]);
}
