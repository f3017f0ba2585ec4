use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use runward_lock::{ErrorKind, Filesystems, LockDir, quiet};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::harness::{Scratch, hang_guard, name, never, skip};

fn refused(path: impl AsRef<Path>) -> ErrorKind {
    let error = LockDir::open(path.as_ref()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(path.as_ref().to_str().unwrap().trim_end_matches('/')),
        "{error}"
    );
    error.kind()
}

#[test]
fn directory_that_is_not_ours_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let real = scratch.path().join("real");
    LockDir::open(&real).unwrap();
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o7777,
        0o700
    );
    let link = scratch.path().join("link");
    symlink(&real, &link).unwrap();
    assert_eq!(refused(&link), ErrorKind::Symlink);
    assert_eq!(refused(format!("{}/", link.display())), ErrorKind::Symlink);
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        fs::set_permissions(&real, Permissions::from_mode(mode)).unwrap();
        assert_eq!(refused(&real), ErrorKind::NotPrivate, "{mode:o}");
    }
    fs::set_permissions(&real, Permissions::from_mode(0o755)).unwrap();
    LockDir::open(&real).unwrap();
    let file = scratch.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(refused(&file), ErrorKind::NotADirectory);
}

#[test]
fn directory_that_others_can_replace() {
    let scratch = tempfile::tempdir().unwrap();
    let set = |mode| fs::set_permissions(scratch.path(), Permissions::from_mode(mode)).unwrap();
    let locks = scratch.path().join("locks");
    for mode in [0o777, 0o772, 0o770, 0o2775] {
        set(mode);
        assert_eq!(refused(&locks), ErrorKind::NotPrivate, "{mode:o}");
    }
    for mode in [0o1777, 0o1770, 0o755, 0o700] {
        set(mode);
        LockDir::open(&locks).unwrap_or_else(|e| panic!("{mode:o}: {e}"));
    }
}

#[test]
fn directory_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return skip(
            "directory_of_another_user",
            "only root can give a directory away",
        );
    }
    let scratch = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(scratch.path(), Some(12345), None).unwrap();
    assert_eq!(refused(scratch.path()), ErrorKind::NotPrivate);
}

#[test]
fn filesystem_without_dependable_locks() {
    for dir in ["/proc/sys", "/sys/kernel"] {
        if !Path::new(dir).is_dir() {
            skip("filesystem_without_dependable_locks", dir);
            continue;
        }
        assert_eq!(refused(dir), ErrorKind::ForeignFilesystem);
        LockDir::open_on(dir, Filesystems::Any).unwrap();
    }
}

#[test]
fn what_stands_at_the_path_of_the_lock_file() {
    let scratch = Scratch::new();
    let kind = |n: &str| {
        scratch
            .locks
            .acquire(&name(n), &never(), &mut quiet)
            .unwrap_err()
            .kind()
    };
    let target = scratch.path().join("target");
    symlink(&target, scratch.file("link")).unwrap();
    assert_eq!(kind("link"), ErrorKind::Symlink);
    assert!(!target.exists(), "nothing was created through the link");
    fs::create_dir(scratch.file("folder")).unwrap();
    assert_eq!(kind("folder"), ErrorKind::NotALockFile);
    let fifo = scratch.file("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert_eq!(kind("fifo"), ErrorKind::NotALockFile);
}

#[test]
fn range_locked_without_the_lock() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(scratch.file("app"))
        .unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let error = scratch
        .locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MixedLocks);
}

/// A filesystem of its own; none where it cannot be mounted.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn tmpfs(test: &str, options: &std::ffi::CStr) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        match mount("tmpfs", dir.path(), "tmpfs", MountFlags::empty(), options) {
            Ok(()) => Some(Self(dir)),
            Err(e) => {
                skip(test, &format!("a tmpfs cannot be mounted: {e}"));
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

#[test]
fn full_disk_grants_nothing() {
    let Some(disk) = Mounted::tmpfs("full_disk_grants_nothing", c"size=16k,mode=700") else {
        return;
    };
    let locks = LockDir::open(disk.0.path()).unwrap();
    locks
        .acquire(&name("early"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
    let filler = disk.0.path().join(".filler");
    assert!(
        fs::write(&filler, vec![0; 64 * 1024]).is_err(),
        "the disk is full"
    );
    let error = locks
        .acquire(&name("late"), &never(), &mut quiet)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(!locks.peek(&name("late")).unwrap().is_held());
    locks
        .acquire(&name("early"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
    fs::remove_file(filler).unwrap();
    locks
        .acquire(&name("late"), &never(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn read_only_directory() {
    let Some(disk) = Mounted::tmpfs("read_only_directory", c"size=64k,mode=700") else {
        return;
    };
    let locks = LockDir::open(disk.0.path()).unwrap();
    rustix::mount::mount_remount(disk.0.path(), MountFlags::RDONLY, c"").unwrap();
    let error = locks
        .acquire(&name("app"), &never(), &mut quiet)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
}
