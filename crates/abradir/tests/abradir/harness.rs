//! A scratch directory with a canonical directory and a place for state, the test binary as another process, and mounts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::time::Duration;

use runward_abradir::{Doomed, Root};

/// Ends the whole test binary if the test is not over in time.
pub(crate) struct HangGuard(
    #[expect(dead_code, reason = "its drop ends the watch")] mpsc::Sender<()>,
);

pub(crate) fn hang_guard() -> HangGuard {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let (alive, watch) = mpsc::channel();
    std::thread::spawn(move || {
        if watch.recv_timeout(Duration::from_secs(120)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "HANG {test}");
            std::process::abort();
        }
    });
    HangGuard(alive)
}

/// What a host may lack for a test.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lacking {
    Root,
    Mounts,
    ImmutableFiles,
    Git,
}

/// Says that a test could not run here, where it can be counted; in a CI that forbids it, it has failed.
pub(crate) fn skip(test: &str, lacking: Lacking) {
    let reason = match lacking {
        Lacking::Root => "needs root, to become another user",
        Lacking::Mounts => "needs the permission to mount",
        Lacking::ImmutableFiles => "needs a filesystem and a user that can make files immutable",
        Lacking::Git => "needs git",
    };
    let line = format!("SKIP {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("RUNWARD_SKIP_LOG") {
        let log = File::options().append(true).create(true).open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes()))
            .unwrap();
    }
    assert!(
        std::env::var_os("RUNWARD_FORBID_SKIPS").is_none(),
        "{}",
        line.trim_end()
    );
}

pub(crate) struct Scratch {
    dir: tempfile::TempDir,
    _hang: HangGuard,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            _hang: hang_guard(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> Root {
        Root::open(self.path("state"), &Doomed::new()).unwrap()
    }

    /// Where [`crate::canonical::make`] makes it.
    pub(crate) fn source(&self) -> PathBuf {
        self.path("abra")
    }
}

/// Writes a file, with the directories above it.
pub(crate) fn put(path: &Path, contents: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What a path is: its kind with mode, its time in ns unless it is a directory that others write to, and what is in it.
pub(crate) type Seen = BTreeMap<PathBuf, (u32, i128, Vec<u8>)>;

/// All that is in a directory, with modes and times, links as links.
pub(crate) fn seen(top: &Path) -> Seen {
    let mut found = Seen::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(at) = waiting.pop() {
        let meta = at.symlink_metadata().unwrap();
        let contents = if meta.is_symlink() {
            at.read_link()
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else if meta.is_dir() {
            waiting.extend(fs::read_dir(&at).unwrap().map(|e| e.unwrap().path()));
            Vec::new()
        } else {
            fs::read(&at).unwrap_or_default()
        };
        let time = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        let below = at.strip_prefix(top).unwrap().to_owned();
        found.insert(below, (meta.mode(), time, contents));
    }
    found
}

/// What a process of this test binary is told.
pub(crate) const TOLD: &str = "RUNWARD_ABRADIR_TEST";
const DIE_AT: &str = "RUNWARD_ABRADIR_DIE_AT";

/// This test binary as another process, running one ignored test.
pub(crate) fn other(test: &str, told: &str, die_at: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--ignored", "--quiet"])
        .env(TOLD, told)
        .env(DIE_AT, die_at)
        .stdout(std::process::Stdio::null());
    command
}

pub(crate) fn told() -> Option<String> {
    std::env::var(TOLD).ok()
}

pub(crate) const NOBODY: u32 = 65534;

/// Runs one ignored test of this binary as an ordinary user; nothing where this one cannot become another.
pub(crate) fn as_nobody(test: &str, told: &str) -> Option<ExitStatus> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    // A copy, as the way to the test binary may be closed to that user. By a process of its own: a fork of another test would keep
    // the copy open for writing.
    let copy = tempfile::tempdir_in("/tmp").unwrap();
    set_mode(copy.path(), 0o755);
    let binary = copy.path().join("test");
    let mut copying = Command::new("cp");
    copying.args([&std::env::current_exe().unwrap(), &binary]);
    assert!(copying.status().unwrap().success());
    let status = Command::new(&binary)
        .args([test, "--exact", "--ignored", "--quiet"])
        .env(TOLD, told)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .status();
    Some(status.unwrap())
}

/// A mount that ends with the test.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// A filesystem in memory; none where mounting is not allowed.
    pub(crate) fn tmpfs(path: &Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let size = std::ffi::CString::new(format!("size={kilobytes}k,mode=700")).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("tmpfs", path, "tmpfs", flags, size.as_c_str()).ok()?;
        Some(Self(path.to_owned()))
    }

    pub(crate) fn bind(from: &Path, to: &Path) -> Option<Self> {
        rustix::mount::mount_bind(from, to).ok()?;
        Some(Self(to.to_owned()))
    }

    /// It was moved together with the directory above it.
    pub(crate) fn moved_to(&mut self, path: &Path) {
        self.0 = path.to_owned();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}
