//! One test's own places, names and time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::procs::{self, Proc};
use crate::{Gate, Line, Plant, Run, binaries, places};

/// A directory, a token and a time limit of one test; its end is the end of all that it started.
#[derive(Debug)]
pub struct Sandbox {
    root: TempDir,
    token: String,
    until: Instant,
    names: AtomicU32,
    // Dropped with the sandbox, which calls the watchdog off.
    _watchdog: Sender<()>,
}

impl Sandbox {
    /// A sandbox whose waits end after `seconds`.
    pub fn new(seconds: u64) -> Self {
        // That may build it, which is not on the test's time.
        binaries::runward();
        let token = fresh_token();
        let root = tempfile::Builder::new()
            .prefix(&token)
            .rand_bytes(0)
            .tempdir()
            .expect("a temporary directory");
        // Ordinary users' processes must reach their pipes in it.
        places::set_mode(root.path(), 0o755);
        let limit = Duration::from_secs(seconds);
        let watchdog = watch(token.clone(), limit * 2 + Duration::from_secs(20));
        Self {
            root,
            token,
            until: Instant::now() + limit,
            names: AtomicU32::new(0),
            _watchdog: watchdog,
        }
    }

    /// What every process of this test carries.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// When the test's waits end.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// The instant after `duration`, but not after the limit of the test.
    pub fn within(&self, duration: Duration) -> Instant {
        self.until.min(Instant::now() + duration)
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A path that was not handed out before.
    pub fn fresh(&self, stem: &str) -> PathBuf {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        self.path(&format!("{stem}-{number}"))
    }

    /// A new line to report over.
    pub fn line(&self) -> Line {
        Line::make(self.fresh("line"), self.until)
    }

    /// A new closed gate.
    pub fn gate(&self) -> Gate {
        Gate::make(self.fresh("gate"))
    }

    /// A planter of this sandbox.
    pub fn plant(&self) -> Plant {
        Plant::new(self)
    }

    /// A `runward run` with the locks and the home of this sandbox.
    pub fn run(&self) -> Run<'_> {
        Run::new(self)
    }

    /// The processes of the work that are still alive.
    pub fn survivors(&self) -> Vec<Proc> {
        procs::work_of(&self.token)
    }

    /// All that is still alive, runward included.
    pub fn everyone(&self) -> Vec<Proc> {
        procs::of_token(&self.token)
    }

    /// Fails the test when anything of the work is alive.
    #[track_caller]
    pub fn assert_no_survivors(&self) {
        let survivors = self.survivors();
        let shown = &survivors[..survivors.len().min(20)];
        assert!(
            survivors.is_empty(),
            "{} survivors: {shown:#?}",
            survivors.len()
        );
    }

    /// Waits for the end of everything, runward included; false when `until` came first.
    pub fn everyone_ended_by(&self, until: Instant) -> bool {
        loop {
            let Some(one) = self.everyone().into_iter().next() else {
                return true;
            };
            let ended = one
                .pidfd()
                .is_none_or(|pidfd| procs::wait_end(&pidfd, until));
            if !ended {
                return false;
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if thread::panicking() {
            let alive = self.everyone();
            let shown: Vec<String> = alive
                .iter()
                .take(20)
                .map(|one| format!("{} {} {}", one.pid, one.state, one.command))
                .collect();
            let text = format!(
                "alive at the failure: {} of {}\n  {}\n",
                alive.len(),
                self.token,
                shown.join("\n  ")
            );
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
        kill_all(&self.token);
    }
}

fn fresh_token() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    format!(
        "rwt-{}-{}-{clock:x}-",
        process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

// By group as well as by process: one that forks and exits all the time has no id for long, but its group stays.
fn kill_all(token: &str) {
    let own = rustix::process::getpgrp().as_raw_nonzero().get();
    for _ in 0..100 {
        let alive = procs::of_token(token);
        if alive.is_empty() {
            return;
        }
        for one in &alive {
            one.signal(Signal::KILL);
            if let Some(group) = Pid::from_raw(one.pgid).filter(|_| one.pgid != own) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }
}

// The last resort: a wait that has no limit of its own ends when everything it waits for is dead.
fn watch(token: String, limit: Duration) -> Sender<()> {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..2 {
            if done.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let _ = writeln!(
                std::io::stderr(),
                "a test hangs: everything of {token} is killed"
            );
            kill_all(&token);
        }
        process::abort();
    });
    sender
}
