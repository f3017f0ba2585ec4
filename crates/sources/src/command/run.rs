//! A process group that writes what we read, and that is killed whole when it takes too long or says too much.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use runward_canary::{Cause, CauseKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::look::{fault, left};
use crate::rows::garbled;

/// More than this is no list that anybody meant.
const MOST: usize = 64 << 20;

/// The child, killed with its group when this is dropped, and reaped.
struct Group {
    child: Child,
    ended: bool,
}

/// Runs it and returns what it wrote.
pub(super) fn run(argv: &[String], until: Instant) -> Result<Vec<u8>, Cause> {
    let (program, args) = argv
        .split_first()
        .ok_or_else(|| garbled("there is no program"))?;
    left(until).map_err(|error| fault(program, &error))?;
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let child = command.spawn().map_err(|error| fault(program, &error))?;
    let mut group = Group {
        child,
        ended: false,
    };
    let output = group
        .output(until)
        .map_err(|error| fault(program, &error))?;
    let status = group.wait(until).map_err(|error| fault(program, &error))?;
    match status.success() {
        true => Ok(output),
        false => Err(Cause::new(
            CauseKind::Unreachable,
            format!("{program} ended with {status}; run it by hand to see why"),
        )),
    }
}

impl Group {
    fn output(&mut self, until: Instant) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        let Some(mut stdout) = self.child.stdout.take() else {
            return Ok(output);
        };
        while more(&mut stdout, &mut output, until)? {
            if output.len() > MOST {
                let why = format!("it wrote more than {} MiB", MOST >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        Ok(output)
    }

    fn wait(&mut self, until: Instant) -> io::Result<ExitStatus> {
        let pid = self.pid().ok_or(io::ErrorKind::NotFound)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        ready(pidfd.as_fd(), until)?;
        // Nobody of its group is left behind; its own number is taken until it is reaped.
        let _ = kill_process_group(pid, Signal::KILL);
        let status = self.child.wait()?;
        self.ended = true;
        Ok(status)
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.pid().map(|pid| kill_process_group(pid, Signal::KILL));
            let _ = self.child.wait();
        }
    }
}

fn more(stdout: &mut ChildStdout, output: &mut Vec<u8>, until: Instant) -> io::Result<bool> {
    ready(stdout.as_fd(), until)?;
    let mut part = [0; 64 * 1024];
    let read = stdout.read(&mut part)?;
    output.extend_from_slice(part.get(..read).unwrap_or_default());
    Ok(read > 0)
}

fn ready(fd: BorrowedFd<'_>, until: Instant) -> io::Result<()> {
    loop {
        let wait = Timespec::try_from(left(until)?).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
