//! What is refused, by kind.

use std::{os::unix::process::CommandExt as _, path::Path, process::Command};

use runward_cgroup::{Cgroup, ErrorKind, Hierarchy};

use crate::harness::{Scratch, skip};

#[test]
fn a_name_is_taken_once() {
    let Some(scratch) = Scratch::new("taken") else {
        return;
    };
    let first = Cgroup::create(scratch.cgroup.path(), "app").unwrap();
    let error = Cgroup::create(scratch.cgroup.path(), "app").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(error.path(), first.path());
    assert!(first.path().exists(), "the first is whole");
    drop(first);
    Cgroup::create(scratch.cgroup.path(), "app")
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn no_parent_no_cgroup() {
    let error = Cgroup::create(Path::new("/sys/fs/cgroup/no-such-place"), "app").unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Gone | ErrorKind::NotPermitted),
        "{error}"
    );
}

#[test]
fn a_link_is_not_followed() {
    let Some(scratch) = Scratch::new("link") else {
        return;
    };
    let link = scratch.path("link");
    std::os::unix::fs::symlink(scratch.cgroup.path(), &link).unwrap();
    assert!(Cgroup::open(&link).is_err());
    drop(Cgroup::open(scratch.cgroup.path()).unwrap());
}

const NOBODY: u32 = 65534;
const AS_NOBODY: &str = "RUNWARD_CGROUP_TEST_PATH";

#[test]
fn an_ordinary_user_is_told_so() {
    if !rustix::process::geteuid().is_root() {
        return skip(
            "an_ordinary_user_is_told_so",
            "needs root, to become another",
        );
    }
    let Some(scratch) = Scratch::new("nobody") else {
        return;
    };
    // A copy, as the way to the test binary may be closed to that user.
    let copy = tempfile::tempdir_in("/tmp").unwrap();
    open_to_all(copy.path());
    let binary = copy.path().join("test");
    // By a process of its own: a fork of another test would keep the copy open for writing.
    let mut copying = Command::new("cp");
    copying.args([&std::env::current_exe().unwrap(), &binary]);
    assert!(copying.status().unwrap().success());
    let status = Command::new(&binary)
        .args(["refusal::as_nobody", "--exact", "--ignored"])
        .env(AS_NOBODY, scratch.cgroup.path())
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .status();
    assert!(status.unwrap().success());
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
#[ignore = "the other process of the other tests"]
fn as_nobody() {
    let Some(path) = std::env::var_os(AS_NOBODY) else {
        return;
    };
    let path = Path::new(&path);
    assert_eq!(rustix::process::geteuid().as_raw(), NOBODY);
    let refused = |error: runward_cgroup::Error| {
        assert_eq!(error.kind(), ErrorKind::NotPermitted, "{error}");
        assert!(error.to_string().contains("delegated"), "{error}");
    };
    refused(Cgroup::create(path, "mine").unwrap_err());
    let cgroup = Cgroup::open(path).unwrap();
    refused(cgroup.kill().unwrap_err());
    refused(cgroup.freeze().unwrap_err());
    refused(cgroup.spawn(&mut Command::new("true")).unwrap_err());
    assert!(!cgroup.populated().unwrap(), "to look is allowed");
    let support = Hierarchy::find().unwrap().support();
    assert!(!support.usable());
    assert_eq!(support.refused().unwrap().kind(), ErrorKind::NotPermitted);
}
