//! A started `runward run`, and how it ended.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use crate::procs::{self, Proc};
use crate::stream::Stream;
use crate::{Line, Record, Sandbox, binaries};

/// What would give a run the identity of the CI that the tests themselves run in.
const CI_VARIABLES: [&str; 13] = [
    "CI",
    "DRONE",
    "GITHUB_ACTIONS",
    "GITHUB_RUN_ID",
    "GITLAB_CI",
    "CI_JOB_ID",
    "BUILDKITE",
    "JENKINS_URL",
    "FORGEJO_ACTIONS",
    "GITEA_ACTIONS",
    "RUNWARD_RUN_ID",
    "RUNWARD_BIN",
    "CI_JOB_TIMEOUT",
];

pub(crate) fn forget_ci(command: &mut Command) {
    let given: Vec<_> = command
        .get_envs()
        .map(|(name, _)| name.to_owned())
        .collect();
    let unset = CI_VARIABLES
        .iter()
        .filter(|name| !given.iter().any(|set| set == *name));
    for name in unset {
        command.env_remove(name);
    }
}

/// A command that was started in a sandbox: `runward run`, or what starts it.
#[derive(Debug)]
pub struct Running<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    pidfd: OwnedFd,
    stdout: Stream,
    stderr: Stream,
    result: PathBuf,
}

impl<'a> Running<'a> {
    #[track_caller]
    pub(crate) fn start(sandbox: &'a Sandbox, mut command: Command, result: PathBuf) -> Self {
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("an own child has a pidfd");
        let stdout = child.stdout.take().map(Stream::of).unwrap_or_default();
        let stderr = child.stderr.take().map(Stream::of).unwrap_or_default();
        Self {
            sandbox,
            child,
            pidfd,
            stdout,
            stderr,
            result,
        }
    }

    /// Starts any command of a sandbox with its output collected.
    #[track_caller]
    pub fn of(sandbox: &'a Sandbox, mut command: Command) -> Self {
        forget_ci(&mut command);
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        Self::start(sandbox, command, sandbox.fresh("result"))
    }

    /// Starts any command whose output is its own affair.
    #[track_caller]
    pub fn bare(sandbox: &'a Sandbox, mut command: Command) -> Self {
        forget_ci(&mut command);
        Self::start(sandbox, command, sandbox.fresh("result"))
    }

    /// The id of the started process.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// What it wrote to stdout so far, and will.
    pub fn stdout(&self) -> &Stream {
        &self.stdout
    }

    /// What it wrote to stderr so far, and will.
    pub fn stderr(&self) -> &Stream {
        &self.stderr
    }

    /// Where the record is going to be.
    pub fn result(&self) -> &Path {
        &self.result
    }

    /// Sends a signal to the started process alone.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    /// Sends a signal to the process group of the started process.
    pub fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    /// Waits for a word on a line; a run that ends instead shows what it said.
    #[track_caller]
    pub fn wait_word(&self, line: &mut Line, word: &str) {
        if !line.comes_by(word, &self.pidfd, self.sandbox.until()) {
            panic!(
                "no {word:?} from the work but {:?}\nstderr: {}",
                line.text(),
                self.stderr.text()
            );
        }
    }

    /// SIGKILL of owner and guardian. The guardian first: an owner that hears of that goes on with the work, where a guardian that
    /// hears of the owner's death would end it; and a stopped one is woken by the kernel when it becomes an orphan.
    #[track_caller]
    pub fn kill_both(&self) {
        let guardian = self.guardian();
        let pidfd = guardian.pidfd().expect("the guardian lives");
        guardian.signal(Signal::KILL);
        self.signal(Signal::KILL);
        for end in [&pidfd, &self.pidfd] {
            assert!(procs::wait_end(end, self.sandbox.until()), "it survives");
        }
    }

    /// Waits until stderr contains a text.
    #[track_caller]
    pub fn wait_stderr(&self, text: &str) {
        let found = self
            .stderr
            .wait_until(|so_far| so_far.contains(text), self.sandbox.until());
        assert!(found, "stderr never said {text:?}:\n{}", self.stderr.text());
    }

    /// The `runward run` process, which is the started one or below it.
    #[track_caller]
    pub fn owner(&self) -> Proc {
        let own = Proc::find(self.pid()).into_iter();
        let mut all = own.chain(procs::descendants(self.pid()));
        all.find(|one| runs_runward(one) && !is_guardian(one))
            .expect("a runward process is running")
    }

    /// The guardian of the run.
    #[track_caller]
    pub fn guardian(&self) -> Proc {
        self.find_guardian().expect("a guardian is running")
    }

    /// The guardian of the run, if there is one by now.
    pub fn find_guardian(&self) -> Option<Proc> {
        procs::descendants(self.pid()).into_iter().find(is_guardian)
    }

    /// Whether the started process ends before `duration` is over.
    pub fn ends_within(&self, duration: Duration) -> bool {
        procs::wait_end(&self.pidfd, Instant::now() + duration)
    }

    /// Waits for the end of the started process.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        let ended = procs::wait_end(&self.pidfd, self.sandbox.until());
        assert!(ended, "it does not end; stderr:\n{}", self.stderr.text());
        let status = self.child.wait().expect("an own child can be waited for");
        let shortly = Instant::now() + Duration::from_millis(500);
        let drained = self.stdout.wait_end(shortly) && self.stderr.wait_end(shortly);
        Ended {
            code: status.code(),
            signal: status.signal(),
            drained,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            result: self.result.clone(),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether its outputs came to their end with it.
    pub drained: bool,
    /// All of its stdout.
    pub stdout: String,
    /// All of its stderr.
    pub stderr: String,
    result: PathBuf,
}

impl Ended {
    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert!(
            self.code == Some(code),
            "expected exit code {code}: {self:#?}"
        );
        self
    }

    /// The record of the run.
    #[track_caller]
    pub fn record(&self) -> Record {
        Record::read(&self.result)
    }

    /// The last line of stderr.
    pub fn last_line(&self) -> &str {
        self.stderr.trim_end().lines().last().unwrap_or_default()
    }
}

fn is_guardian(one: &Proc) -> bool {
    one.comm.starts_with("runward-guard")
}

fn runs_runward(one: &Proc) -> bool {
    let program = std::fs::read_link(format!("/proc/{}/exe", one.pid));
    one.comm.starts_with("runward") || program.is_ok_and(|path| path == binaries::runward())
}
