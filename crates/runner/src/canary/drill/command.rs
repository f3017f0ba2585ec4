//! A command of a drill: in a group of its own, with a limit of time, and heard when it fails.
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use runward_canary::masked;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::signals::{Signals, limit};
use crate::terminal::printable;

/// How long a command that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(5);
/// How much is kept of what it says last.
const KEPT: usize = 4096;
const LINES: usize = 5;

/// Whether a signal to the drill ends the command.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Signalled {
    /// It is asked to end, and the second time killed.
    Ends,
    /// It goes on to its end or its limit: it mends what is broken.
    GoesOn,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ran {
    /// `exit 0` is the only good end.
    pub(super) ended: String,
    /// The last lines of its stderr, with a digest for each credential.
    pub(super) said: String,
    pub(super) took: Duration,
}

impl Ran {
    pub(super) fn succeeded(&self) -> bool {
        self.ended == "exit 0"
    }

    fn not_started(why: impl ToString) -> Self {
        Self {
            ended: "not started".to_owned(),
            said: why.to_string(),
            took: Duration::ZERO,
        }
    }
}

/// Runs a command of the rules; relative names begin in `folder`.
pub(super) fn run(
    argv: &[String],
    folder: &Path,
    patience: Duration,
    signalled: Signalled,
    signals: &mut Signals,
) -> Ran {
    let mut command = Command::new("/proc/self/exe");
    command.args(["canary", "launch"]);
    if signalled == Signalled::Ends {
        command.arg("--with").arg(std::process::id().to_string());
    }
    command.arg("--").args(argv).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let spawned = command.stderr(Stdio::piped()).process_group(0).spawn();
    match spawned.and_then(Running::new) {
        Ok(mut running) => running.attend(patience, signalled, signals),
        Err(error) => Ran::not_started(error),
    }
}

struct Running {
    child: Child,
    pid: Pid,
    pidfd: OwnedFd,
    stderr: ChildStderr,
    said: Vec<u8>,
    /// Its beginning is not kept.
    cut: bool,
    /// Nobody can say anything any more.
    silent: bool,
    begun: Instant,
}

impl Running {
    fn new(mut child: Child) -> std::io::Result<Self> {
        let pid = Pid::from_child(&child);
        let stderr = child.stderr.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        let flags = fcntl_getfl(&stderr)?;
        fcntl_setfl(&stderr, flags | OFlags::NONBLOCK)?;
        Ok(Self {
            pidfd: pidfd_open(pid, PidfdFlags::empty())?,
            child,
            pid,
            stderr,
            said: Vec::new(),
            cut: false,
            silent: false,
            begun: Instant::now(),
        })
    }

    fn attend(&mut self, patience: Duration, on: Signalled, signals: &mut Signals) -> Ran {
        let mut until = self.begun + patience;
        let before = signals.heard();
        let mut asked = 0;
        let mut late = false;
        while !self.has_ended(until, signals) {
            let heard = signals.heard() - before;
            if heard > asked && on == Signalled::Ends {
                asked = heard;
                self.signal(if heard == 1 {
                    Signal::TERM
                } else {
                    Signal::KILL
                });
                until = until.min(Instant::now() + GRACE);
            }
            if Instant::now() >= until {
                late = true;
                self.signal(Signal::KILL);
                until = Instant::now() + GRACE;
            }
        }
        if asked > 0 {
            // What did not listen. It is not reaped yet, so that the group is still its own.
            self.signal(Signal::KILL);
        }
        self.listen();
        let status = self.child.wait();
        Ran {
            ended: match late && asked == 0 {
                true => format!("killed after {patience:?}"),
                false => status.map_or_else(|e| e.to_string(), words),
            },
            said: last_lines(&self.said, self.cut),
            took: self.begun.elapsed(),
        }
    }

    /// Waits for its end, for what it says, for a signal, or until then.
    fn has_ended(&mut self, until: Instant, signals: &Signals) -> bool {
        let Some(limit) = limit(until.saturating_duration_since(Instant::now())) else {
            return false;
        };
        let mut fds = [
            PollFd::new(&self.pidfd, PollFlags::IN),
            PollFd::new(&signals.fd, PollFlags::IN),
            PollFd::new(&self.stderr, PollFlags::IN),
        ];
        // One that says no more must not wake us again and again.
        let count = if self.silent { 2 } else { 3 };
        let _ = poll(&mut fds[..count], Some(&limit));
        let ended = !fds[0].revents().is_empty();
        if !self.silent && !fds[2].revents().is_empty() {
            self.listen();
        }
        ended
    }

    fn listen(&mut self) {
        let mut piece = [0; KEPT];
        loop {
            match self.stderr.read(&mut piece) {
                Ok(0) => return self.silent = true,
                Ok(read) => self.said.extend(&piece[..read]),
                Err(_) => return,
            }
            let over = self.said.len().saturating_sub(KEPT);
            self.cut |= over > 0;
            self.said.drain(..over);
        }
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn last_lines(said: &[u8], cut: bool) -> String {
    let text = String::from_utf8_lossy(said);
    let mut text = text.trim_end();
    if cut {
        // The rest of a word may be that of a credential, which nobody knows without its beginning.
        let goes_on = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        text = text.trim_start_matches(goes_on);
    }
    let mut lines: Vec<&str> = text.lines().rev().take(LINES).collect();
    lines.reverse();
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| printable(&masked(line)))
        .collect();
    lines.join(" | ")
}
