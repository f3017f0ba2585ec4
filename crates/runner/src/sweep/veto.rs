//! Asking a command whether to keep something.
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use runward_janitor::{Fault, FaultKind, Found};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Whoever has not answered by then has not agreed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A reason is a line.
const LONGEST: usize = 1024;

/// Whether there is such a program, by its path or on the PATH.
pub(super) fn can_be_asked(program: &str) -> bool {
    let runs = |path: &Path| {
        let may = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
        may && path.is_file()
    };
    if program.contains('/') {
        return runs(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| runs(&folder.join(program)))
}

/// Why the object is to be kept; none where the command exits with 0. A cancel ends the wait, too.
pub(super) fn ask(
    command: &[String],
    kind: &str,
    found: &Found,
    cancel: Option<BorrowedFd<'_>>,
) -> Result<Option<String>, Fault> {
    let refuse = |why: String| {
        let message = format!("the veto command {:?} {why}", command.join(" "));
        Fault::new(FaultKind::Other, message)
    };
    let Some((program, words)) = command.split_first() else {
        return Ok(None);
    };
    let mut child = Command::new(program)
        .args(words)
        .args([kind, found.id(), found.owner().as_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| refuse(format!("cannot be started: {e}")))?;
    let mut said = Said(child.stdout.take(), Vec::new());
    let waited = wait(&child, &mut said, cancel);
    if !matches!(waited, Ok(Waited::Ended)) {
        let _ = child.kill();
    }
    let status = child
        .wait()
        .map_err(|e| refuse(format!("cannot be waited for: {e}")))?;
    match waited.map_err(|e| refuse(format!("cannot be watched: {e}")))? {
        Waited::Ended if status.success() => Ok(None),
        Waited::Ended => Ok(Some(match said.line() {
            line if line.is_empty() => format!("the veto command says no ({status})"),
            line => line,
        })),
        Waited::Cancelled => Err(refuse("was not waited for: the sweep was cancelled".into())),
        Waited::TooLong => Err(refuse(format!(
            "did not answer in {} s",
            PATIENCE.as_secs()
        ))),
    }
}

/// Why the wait for an answer is over.
enum Waited {
    Ended,
    Cancelled,
    TooLong,
}

fn wait(
    child: &Child,
    said: &mut Said,
    cancel: Option<BorrowedFd<'_>>,
) -> rustix::io::Result<Waited> {
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or(Errno::SRCH)?;
    let ends = pidfd_open(pid, PidfdFlags::empty())?;
    let until = Instant::now() + PATIENCE;
    loop {
        let fds = [Some(ends.as_fd()), said.fd(), cancel];
        let [ended, talks, cancelled] = ready(fds, until)?;
        if talks {
            said.hear();
        }
        match () {
            () if ended => return Ok(Waited::Ended),
            () if cancelled => return Ok(Waited::Cancelled),
            () if Instant::now() >= until => return Ok(Waited::TooLong),
            () => {}
        }
    }
}

/// Which of them can be read, as soon as one can or it is time.
fn ready<const N: usize>(
    fds: [Option<BorrowedFd<'_>>; N],
    until: Instant,
) -> rustix::io::Result<[bool; N]> {
    let left = until.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
    let mut on: Vec<_> = fds
        .iter()
        .flatten()
        .map(|fd| PollFd::new(fd, PollFlags::IN))
        .collect();
    rustix::io::retry_on_intr(|| poll(&mut on, Some(&left)))?;
    let mut seen = on.iter().map(|fd| !fd.revents().is_empty());
    Ok(fds.map(|fd| fd.is_some() && seen.next().unwrap_or(false)))
}

/// What the command writes, read while it runs, so that it is not kept from ending. Only the beginning counts.
struct Said(Option<ChildStdout>, Vec<u8>);

impl Said {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }

    fn hear(&mut self) {
        let mut bytes = [0; 4096];
        let length = self.0.as_mut().map(|pipe| pipe.read(&mut bytes));
        match length {
            Some(Ok(length @ 1..)) => {
                let room = LONGEST.saturating_sub(self.1.len());
                self.1.extend_from_slice(&bytes[..length.min(room)]);
            }
            _ => self.0 = None,
        }
    }

    fn line(&self) -> String {
        let text = String::from_utf8_lossy(&self.1);
        text.lines().next().unwrap_or_default().trim().to_owned()
    }
}
