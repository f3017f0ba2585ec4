//! A second process is this binary again, running the one ignored test below, which obeys lines on its standard input:
//!
//! | line | answer |
//! |---|---|
//! | `acquire NAME WAIT [shared] [ordered] [loud] [refusing]`; WAIT is `never`, `forever` or milliseconds | `held FENCE` or `failed KIND`; before it, if loud, `waiting KIND PIDS WAITERS`, and `above` of an ancestor |
//! | `close NAME`, `drop NAME`, `remove NAME` | `done`, or `failed KIND` |
//! | `current NAME`, `predecessor NAME`, `what NAME TEXT` | `true`, `none`, … |
//! | `keep NAME`: start a child that keeps the descriptor until its input ends | its pid |
//! | `orphan NAME`: the same, but the child ends when the test lets go of this process | its pid |
//! | `fork NAME`: fork a child that drops the guard | `forked` |
//! | `inherited NAME` | as `acquire` |
//! | `rounds N NAME`: take and remove N times | `rounds N` |
//! | `tries N NAME`: try and release N times | `refused KINDS` |
//! | `attempt NAME`: try; if granted, stop inside, then remove | `alone`, `together` or `busy` |
//! | `descend LINE`: start another such process, below a shell, and tell it the line | its first answer |
//! | `descendant` | its next answer |
//! | `exit` | |
//!
//! Answers begin with `@`, since the test runner writes to the same pipe.
//!
//! How long some tests run can be set in the environment:
//!
//! | variable | counts | default |
//! |---|---|---|
//! | `RUNWARD_LOCK_INTERLEAVINGS` | orders of the steps of two contenders, spread over all 924 | 924 |
//! | `RUNWARD_LOCK_ROUNDS` | takes and removals of each of two processes | 20000 |
//! | `RUNWARD_LOCK_TRIES` | tries that are looked at meanwhile | 50000 |
//! | `RUNWARD_LOCK_CYCLES` | takes of two locks in opposite orders, by each of two processes | 10000 |
//! | `RUNWARD_LOCK_SIGNALS` | signals that a wait handles | 10000 |

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use runward_lock::{LockDir, Name, Request, Wait};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

pub(crate) const DIR: &str = "RUNWARD_LOCK_TEST_DIR";

/// Ends the whole test binary if the test is not over in time: a lock that is never granted must not hang a CI.
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

/// A number from the environment, for tests that can be made longer.
pub(crate) fn knob(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn never() -> Request<'static> {
    Request::new().wait(Wait::Never)
}

/// A process that another test is starting shares our locks between its fork and its exec; so tests with locks take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A fresh lock directory.
pub(crate) struct Scratch {
    root: tempfile::TempDir,
    pub(crate) locks: LockDir,
    _turn: MutexGuard<'static, ()>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let base = Path::new("/dev/shm");
        let root = if base.is_dir() {
            tempfile::tempdir_in(base)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
        let locks = LockDir::open(root.path().join("locks")).unwrap();
        Self {
            root,
            locks,
            _turn: turn,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("locks")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::start(&self.path(), None)
    }

    /// A peer that stops itself at the point, or at each one with `*`.
    pub(crate) fn stopping_peer(&self, point: &str) -> Peer {
        Peer::start(&self.path(), Some(point))
    }
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
    fn start(dir: &Path, point: Option<&str>) -> Self {
        let mut command = Self::command(dir);
        if let Some(point) = point {
            command.env("RUNWARD_LOCK_STOP_AT", point);
        }
        Self::spawn(command)
    }

    pub(crate) fn command(dir: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "harness::entry",
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(DIR, dir);
        command
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
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

    /// Takes the lock, which must be free; returns the fence.
    pub(crate) fn take(&mut self, name: &str) -> u64 {
        let answer = self.ask(&format!("acquire {name} never"));
        answer
            .strip_prefix("held ")
            .unwrap_or_else(|| panic!("{answer}"))
            .parse()
            .unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Kills it, and returns once it is gone with all its locks.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// Waits until it has stopped or ended.
    pub(crate) fn watch(&self) -> Seen {
        let pid = Pid::from_raw(self.child.id() as i32).unwrap();
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status =
            rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), options))
                .unwrap();
        if !status.is_some_and(|s| s.stopped()) {
            return Seen::Ended;
        }
        // The report of the stop is taken, so that the next one is news.
        let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED);
        Seen::Stopped
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
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
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    crate::peer::obey(Path::new(&dir));
}
