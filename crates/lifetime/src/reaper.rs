//! Reaping: every orphan of the tree becomes a child of its holder.

use std::os::fd::{AsFd, BorrowedFd};

use nix::{
    sys::{
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

use crate::{Error, Status};

#[derive(Debug)]
pub(crate) struct Reaper {
    deaths: SignalFd,
}

impl Reaper {
    /// Blocks SIGCHLD, which then makes a descriptor readable.
    pub(crate) fn new() -> Result<Self, Error> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        let blocked = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&mask), None);
        blocked.map_err(|e| Error::system("cannot block SIGCHLD", e))?;
        let deaths = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
        Ok(Self {
            deaths: deaths.map_err(|e| Error::system("cannot make a signalfd", e))?,
        })
    }

    /// Reaps everyone who has died. `noted` is called before each is reaped, so that what it
    /// writes down cannot be lost with the status.
    pub(crate) fn reap(&self, mut noted: impl FnMut(i32, Status)) {
        while let Ok(Some(_)) = self.deaths.read_signal() {}
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, peek) {
            let Some((pid, status)) = ended(status) else {
                return;
            };
            noted(pid, status);
            let _ = waitid(
                Id::Pid(Pid::from_raw(pid)),
                WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG,
            );
        }
    }
}

/// Reaps one child that has died; none where it lives, or is not our child.
pub(crate) fn reap_one(pid: i32) -> Option<Status> {
    let status = waitid(
        Id::Pid(Pid::from_raw(pid)),
        WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG,
    )
    .ok()?;
    ended(status).map(|(_, status)| status)
}

fn ended(status: WaitStatus) -> Option<(i32, Status)> {
    match status {
        WaitStatus::Exited(pid, code) => Some((pid.as_raw(), Status::Code(code))),
        WaitStatus::Signaled(pid, signal, _) => Some((pid.as_raw(), Status::Signal(signal as i32))),
        _ => None,
    }
}

impl AsFd for Reaper {
    /// Readable when a child has died.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.deaths.as_fd()
    }
}
