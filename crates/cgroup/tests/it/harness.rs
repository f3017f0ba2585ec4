//! Shell programs that say lines and wait at gates, in a cgroup of the test's own.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::fd::AsFd as _,
    path::PathBuf,
    process::{Child, Command},
    sync::mpsc,
    time::Duration,
};

use runward_cgroup::{Cgroup, Hierarchy};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{CWD, FileType, Mode, OFlags},
};

/// Longer than anything takes that does not hang.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Ends the whole test binary if the test is not over in time.
pub(crate) struct HangGuard(
    #[expect(dead_code, reason = "its drop ends the watch")] mpsc::Sender<()>,
);

fn hang_guard(test: &'static str) -> HangGuard {
    let (alive, watch) = mpsc::channel();
    std::thread::spawn(move || {
        if watch.recv_timeout(2 * LONG) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "HANG {test}");
            std::process::abort();
        }
    });
    HangGuard(alive)
}

/// Says that a test could not run here, where it can be counted; in a CI that forbids it, it has failed.
pub(crate) fn skip(test: &str, reason: &str) {
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

/// A cgroup, and a directory with pipes for those who live in it.
pub(crate) struct Scratch {
    pub(crate) cgroup: Cgroup,
    dir: tempfile::TempDir,
    children: Vec<Child>,
    _hang: HangGuard,
}

impl Scratch {
    /// None where this host gives no cgroup: the test is skipped.
    pub(crate) fn new(test: &'static str) -> Option<Self> {
        let made = Hierarchy::find().and_then(|hierarchy| {
            let name = format!("runward-test-{}-{test}", std::process::id());
            Cgroup::create(hierarchy.own(), &name)
        });
        match made {
            Ok(cgroup) => Some(Self {
                cgroup,
                dir: tempfile::tempdir().unwrap(),
                children: Vec::new(),
                _hang: hang_guard(test),
            }),
            Err(error) => {
                skip(test, &error.to_string());
                None
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a shell in the cgroup, with `alive` open on 9 in all that it starts.
    pub(crate) fn start(&mut self, script: &str) {
        let child = self.cgroup.spawn(&mut self.shell(script)).unwrap();
        self.children.push(child);
    }

    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("exec 9>alive; {script}")])
            .current_dir(self.dir.path());
        command
    }

    pub(crate) fn line(&self) -> Line {
        let path = self.pipe("alive");
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).unwrap();
        rustix::fs::fcntl_setfl(&fd, OFlags::empty()).unwrap();
        Line(BufReader::new(File::from(fd)))
    }

    /// A pipe that `read x <go` waits at.
    pub(crate) fn gate(&self) -> Gate {
        Gate(self.pipe("go"))
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = self.cgroup.kill();
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The reading end of `alive`: it ends when the last process dies that has it open.
pub(crate) struct Line(BufReader<File>);

impl Line {
    pub(crate) fn hear(&mut self) -> String {
        if self.0.buffer().is_empty() {
            self.poll(None);
        }
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until all who could write are gone; answers what they wrote.
    pub(crate) fn end(&mut self) -> String {
        self.poll(None);
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.poll(Some(Duration::ZERO)).contains(PollFlags::HUP)
    }

    fn poll(&self, patience: Option<Duration>) -> PollFlags {
        let timeout = patience.map(|p| rustix::event::Timespec::try_from(p).unwrap());
        let mut fds = [PollFd::from_borrowed_fd(
            self.0.get_ref().as_fd(),
            PollFlags::IN,
        )];
        rustix::io::retry_on_intr(|| poll(&mut fds, timeout.as_ref())).unwrap();
        fds[0].revents()
    }
}

pub(crate) struct Gate(PathBuf);

impl Gate {
    /// Returns when somebody stands at the gate and was let pass.
    pub(crate) fn open(&self) {
        let mut pipe = File::options().write(true).open(&self.0).unwrap();
        pipe.write_all(b"go\n").unwrap();
    }
}
