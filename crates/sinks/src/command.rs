use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{Cause, CauseKind, bounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::settings::Taken;
use crate::{Error, Sink};

/// How much of what a command says is kept: the end of it. And how many reads a pipe can hold when its writer has gone.
const SAID: usize = 4_096;
const LAST: usize = 32;

/// A program that gets the alert on its standard input.
#[derive(Debug)]
pub(crate) struct Command {
    argv: Vec<String>,
    timeout: Duration,
}

impl Command {
    pub(crate) fn open(taken: &mut Taken<'_>) -> Result<Self, Error> {
        let argv = taken.list("argv")?;
        let timeout = taken.timeout()?;
        Ok(Self { argv, timeout })
    }

    fn start(&self) -> io::Result<Child> {
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        std::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }
}

impl Sink for Command {
    fn deliver(&self, alert: &Alert, within: Duration) -> Delivery {
        let end = Instant::now() + self.timeout.min(within);
        let mut group = match self.start() {
            Ok(child) => Group(child),
            Err(error) => {
                let program = self.argv.first().map_or("", String::as_str);
                return failed(CauseKind::Unreachable, format!("start {program}: {error}"));
            }
        };
        let mut text = alert.to_json();
        text.push('\n');
        let mut talk = Talk::new(&mut group.0, text.into_bytes());
        let ended = talk.until_exit(&group.0, end);
        let said = talk.said();
        drop(talk);
        let status = group.end();
        match (ended, status) {
            (Ok(true), Ok(status)) => verdict(status, &said),
            (Ok(false), _) => failed(
                CauseKind::Timeout,
                format!("it took longer than {:?}; {said}", self.timeout.min(within)),
            ),
            (Err(error), _) | (_, Err(error)) => failed(CauseKind::Crashed, error.to_string()),
        }
    }
}

fn verdict(status: ExitStatus, said: &str) -> Delivery {
    match status.success() {
        true => Delivery::Delivered,
        false => failed(CauseKind::Denied, format!("it ended with {status}; {said}")),
    }
}

fn failed(kind: CauseKind, detail: String) -> Delivery {
    Delivery::Failed(Cause::new(kind, detail))
}

/// The program and all that it started in its group. It ends with this.
struct Group(Child);

impl Group {
    /// Kills what is left, and collects the first of them. Until that is done its number is nobody else's, and so is the group's.
    fn end(&mut self) -> io::Result<ExitStatus> {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        self.0.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.end();
        }
    }
}

/// What goes to the program, and what it says.
struct Talk {
    input: Option<ChildStdin>,
    output: Option<ChildStderr>,
    text: Vec<u8>,
    sent: usize,
    said: Vec<u8>,
}

impl Talk {
    fn new(child: &mut Child, text: Vec<u8>) -> Self {
        let (input, output) = (child.stdin.take(), child.stderr.take());
        for fd in [
            input.as_ref().map(AsFd::as_fd),
            output.as_ref().map(AsFd::as_fd),
        ] {
            let _ = fd.map(|fd| rustix::io::ioctl_fionbio(fd, true));
        }
        Self {
            input,
            output,
            text,
            sent: 0,
            said: Vec::new(),
        }
    }

    /// Whether the program ended in time. What it left to others, such as its standard error, is not waited for.
    fn until_exit(&mut self, child: &Child, end: Instant) -> io::Result<bool> {
        let exit = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        loop {
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Ok(false);
            };
            let exited = self.wait(exit.as_fd(), left)?;
            self.send();
            self.hear();
            if exited {
                // Its last words are there, or will never be.
                for _ in 0..LAST {
                    self.hear();
                }
                return Ok(true);
            }
        }
    }

    fn wait(&self, exit: BorrowedFd<'_>, left: Duration) -> io::Result<bool> {
        let mut fds = vec![PollFd::from_borrowed_fd(exit, PollFlags::IN)];
        fds.extend(
            self.input
                .as_ref()
                .map(|it| PollFd::new(it, PollFlags::OUT)),
        );
        fds.extend(
            self.output
                .as_ref()
                .map(|it| PollFd::new(it, PollFlags::IN)),
        );
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!fds[0].revents().is_empty()),
            Err(error) => Err(error.into()),
        }
    }

    /// A program that does not read all of it may still have done what it should.
    fn send(&mut self) {
        let Some(input) = &mut self.input else { return };
        match input.write(&self.text[self.sent..]) {
            Ok(count) => self.sent += count,
            Err(error) if is_later(&error) => return,
            Err(_) => self.sent = self.text.len(),
        }
        if self.sent == self.text.len() {
            self.input = None;
        }
    }

    fn hear(&mut self) {
        let Some(output) = &mut self.output else {
            return;
        };
        let mut heard = [0; 4_096];
        match output.read(&mut heard) {
            Ok(0) => self.output = None,
            Ok(count) => {
                self.said.extend(&heard[..count]);
                let over = self.said.len().saturating_sub(SAID);
                self.said.drain(..over);
            }
            Err(error) if is_later(&error) => {}
            Err(_) => self.output = None,
        }
    }

    /// The last line that it said, in short.
    fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.said);
        match text.trim().lines().last() {
            None => "it said nothing".to_owned(),
            Some(line) => format!("it said: {}", bounded(line, 200)),
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
