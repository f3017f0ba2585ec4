//! A second process is this binary again, running the one ignored test below, which obeys lines on its standard input:
//!
//! | line | answer |
//! |---|---|
//! | `hold NAME [TRACE]` | `held FENCE` |
//! | `wait NAME`: acquire, telling what the holder does | `waiting WHAT` as often as it is told, then `held FENCE INODE` |
//! | `close NAME` | `done` |
//! | `keep NAME`: start a child that keeps the descriptor until the test ends | its pid |
//! | `sweep PATTERN…` | `clean` or `left`, and the items |
//! | `exit` | |
//!
//! Answers begin with `@`, since the test runner writes to the same pipe.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use runward_janitor::{Allow, Directories, Janitor, Plan, Policy, Report, Row};
use runward_lock::{LockDir, Name, Request, Wait, quiet};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::things::Things;

pub(crate) const ROOT: &str = "RUNWARD_JANITOR_TEST_ROOT";

/// Ends the whole test binary if the test is not over in time.
pub(crate) struct HangGuard(
    #[expect(dead_code, reason = "its drop ends the watch")] mpsc::Sender<()>,
);

pub(crate) fn hang_guard() -> HangGuard {
    let (alive, watch) = mpsc::channel();
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if watch.recv_timeout(Duration::from_secs(240)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "HANG {test}");
            std::process::abort();
        }
    });
    HangGuard(alive)
}

/// Says that a test could not run here; in a CI that forbids it, it has failed.
pub(crate) fn skip(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP {test}: {reason}");
    assert!(
        std::env::var_os("RUNWARD_FORBID_SKIPS").is_none(),
        "skipped {test}: {reason}"
    );
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A process that another test is starting shares our locks between its fork and its exec; so tests with locks take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A fresh world: locks, things, directories of runs, and the janitor's home.
pub(crate) struct World {
    root: tempfile::TempDir,
    pub(crate) locks: LockDir,
    pub(crate) things: Things,
    _turn: MutexGuard<'static, ()>,
    _hang: HangGuard,
}

impl World {
    pub(crate) fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let base = Path::new("/dev/shm");
        let root = if base.is_dir() {
            tempfile::tempdir_in(base)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
        Self {
            locks: locks(root.path()),
            things: Things::of(root.path()),
            root,
            _turn: turn,
            _hang: hang_guard(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root().join(inside)
    }

    /// What a killed run leaves: a thing, a directory, and a lock file that says that nobody released it.
    pub(crate) fn orphan(&self, app: &str) {
        self.things.make(app);
        fs::create_dir_all(self.path("state").join(app).join("deep/er")).unwrap();
        fs::write(self.path("state").join(app).join("deep/file"), b"x").unwrap();
        let guard = self.take(app);
        guard.leave();
    }

    pub(crate) fn take(&self, app: &str) -> runward_lock::Guard {
        let request = Request::new()
            .wait(Wait::Never)
            .run_id("test")
            .what("working");
        self.locks
            .acquire(&name(app), &request, &mut quiet)
            .unwrap()
    }

    pub(crate) fn has(&self, app: &str) -> [bool; 3] {
        [
            self.things.exists(app),
            self.path("state").join(app).exists(),
            self.path("locks").join(app).exists(),
        ]
    }

    pub(crate) fn janitor(&self, patterns: &[&str]) -> Janitor<'_, LockDir> {
        janitor(&self.locks, self.root(), policy(patterns))
    }

    pub(crate) fn with(&self, policy: Policy) -> Janitor<'_, LockDir> {
        janitor(&self.locks, self.root(), policy)
    }

    pub(crate) fn run(&self, patterns: &[&str]) -> (Plan, Report) {
        self.janitor(patterns).run().unwrap()
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::start(self.root(), None)
    }

    /// A peer that stops itself at the points of a sweep, or at each one with `*`.
    pub(crate) fn stopping_peer(&self, points: &str) -> Peer {
        Peer::start(self.root(), Some(points))
    }

    pub(crate) fn audit(&self) -> String {
        fs::read_to_string(self.path("home/audit.jsonl")).unwrap_or_default()
    }
}

pub(crate) fn locks(root: &Path) -> LockDir {
    LockDir::open(root.join("locks")).unwrap()
}

pub(crate) fn policy(patterns: &[&str]) -> Policy {
    Policy::new(Allow::patterns(patterns).unwrap()).pause(Duration::from_millis(1))
}

/// Things first: a directory may say how to find them.
pub(crate) fn janitor<'a>(locks: &'a LockDir, root: &Path, policy: Policy) -> Janitor<'a, LockDir> {
    Janitor::new(locks, policy, root.join("home"))
        .sweep(Things::of(root))
        .sweep(state(root))
}

pub(crate) fn state(root: &Path) -> Directories<'static> {
    Directories::new("state", root.join("state"), |entry| Name::new(entry).ok())
}

/// The row of an object.
pub(crate) fn row<'p>(plan: &'p Plan, kind: &str, id: &str) -> &'p Row {
    let found = plan
        .rows()
        .iter()
        .find(|row| row.kind() == kind && row.id() == id);
    found.unwrap_or_else(|| panic!("no {kind} {id} in:\n{plan}"))
}

pub(crate) fn word(plan: &Plan, kind: &str, id: &str) -> &'static str {
    row(plan, kind, id).reason().word()
}

/// The other process.
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Stopped,
    Ended,
}

impl Peer {
    fn start(root: &Path, points: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "harness::entry",
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROOT, root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(points) = points {
            command.env("RUNWARD_JANITOR_STOP_AT", points);
        }
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// The next answer; empty once the peer has ended.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, answer)) = line.split_once('@') {
                return answer.trim().to_owned();
            }
            line.clear();
        }
        String::new()
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    /// Lets a stopped peer go on; says whether it stopped. To be asked of one that ends its input after what it does.
    pub(crate) fn hear_or_resume(&mut self) -> bool {
        if self.input.is_some() {
            self.let_go();
            self.resume();
        }
        let stopped = self.watch() == Seen::Stopped;
        if stopped {
            self.resume();
        }
        stopped
    }

    /// Takes the lock, which must be free.
    pub(crate) fn hold(&mut self, app: &str) {
        let answer = self.ask(&format!("hold {app}"));
        assert!(answer.starts_with("held "), "{answer}");
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    pub(crate) fn resume(&self) {
        rustix::process::kill_process(self.pid(), Signal::CONT).unwrap();
    }

    /// Kills it, and returns once it is gone with all its locks.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// Ends the input of the peer, and of the child that outlives it.
    pub(crate) fn let_go(&mut self) {
        self.input = None;
    }

    /// Waits until it has stopped or ended.
    pub(crate) fn watch(&self) -> Seen {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status =
            rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(self.pid()), options))
                .unwrap();
        if !status.is_some_and(|s| s.stopped()) {
            return Seen::Ended;
        }
        // The report of the stop is taken, so that the next one is news.
        let _ = rustix::process::waitid(WaitId::Pid(self.pid()), WaitIdOptions::STOPPED);
        Seen::Stopped
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the other process of the other tests"]
fn entry() {
    let Some(root) = std::env::var_os(ROOT) else {
        return;
    };
    crate::peer::obey(Path::new(&root));
}
