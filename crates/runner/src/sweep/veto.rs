//! Asking a command whether to keep something.
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use runward_janitor::{Fault, FaultKind, Found};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Whoever has not answered by then has not agreed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A reason is a line.
const LONGEST: u64 = 1024;

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

/// Why the object is to be kept; none where the command exits with 0.
pub(super) fn ask(command: &[String], kind: &str, found: &Found) -> Result<Option<String>, Fault> {
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
    let said = child.stdout.take();
    let ended = ends_in_time(child.id()).map_err(|e| refuse(format!("cannot be watched: {e}")))?;
    if !ended {
        let _ = child.kill();
    }
    let status = child
        .wait()
        .map_err(|e| refuse(format!("cannot be waited for: {e}")))?;
    if !ended {
        return Err(refuse(format!(
            "did not answer in {} s",
            PATIENCE.as_secs()
        )));
    }
    if status.success() {
        return Ok(None);
    }
    Ok(
        Some(said.map_or_else(String::new, first_line)).map(|line| match line.as_str() {
            "" => format!("the veto command says no ({status})"),
            _ => line,
        }),
    )
}

fn ends_in_time(pid: u32) -> rustix::io::Result<bool> {
    let pid = Pid::from_raw(pid.cast_signed()).ok_or(rustix::io::Errno::SRCH)?;
    let child = pidfd_open(pid, PidfdFlags::empty())?;
    let patience = Timespec {
        tv_sec: PATIENCE.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    let mut on = [PollFd::new(&child, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut on, Some(&patience))).map(|ready| ready > 0)
}

/// What it left in the pipe; somebody else may hold that open, so no more is waited for than is there.
fn first_line(said: impl Read + std::os::fd::AsFd) -> String {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut on = [PollFd::new(&said, PollFlags::IN)];
    if !matches!(poll(&mut on, Some(&now)), Ok(1..)) {
        return String::new();
    }
    let mut bytes = vec![0; usize::try_from(LONGEST).unwrap_or_default()];
    let mut said = said;
    let length = said.read(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..length]);
    text.lines().next().unwrap_or_default().trim().to_owned()
}
