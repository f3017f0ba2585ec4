//! Reaping: every orphan of the tree becomes a child of its holder.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::{
    signal::{SigSet, SigmaskHow, Signal, sigprocmask},
    signalfd::{SfdFlags, SignalFd},
};

use crate::{
    Error, Status, process,
    sys::{Afterwards, Whose, death},
};

#[derive(Debug)]
pub(crate) struct Reaper {
    deaths: SignalFd,
    /// Children who are not ours to reap.
    strangers: Vec<i32>,
}

impl Reaper {
    /// Blocks SIGCHLD, which then makes a descriptor readable.
    pub(crate) fn new() -> Result<Self, Error> {
        Self::beside(Vec::new())
    }

    pub(crate) fn beside(strangers: Vec<i32>) -> Result<Self, Error> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        let blocked = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&mask), None);
        blocked.map_err(|e| Error::system("cannot block SIGCHLD", e))?;
        let deaths = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
        Ok(Self {
            deaths: deaths.map_err(|e| Error::system("cannot make a signalfd", e))?,
            strangers,
        })
    }

    /// Reaps everyone who has died; answers how many. `noted` is called before each is reaped, so
    /// that what it writes down cannot be lost with the status.
    pub(crate) fn reap(&self, mut noted: impl FnMut(i32, Status)) -> usize {
        while let Ok(Some(_)) = self.deaths.read_signal() {}
        if !self.strangers.is_empty() {
            return self.reap_others(noted);
        }
        let mut count = 0;
        while let Ok(Some((pid, status))) = death(Whose::AnyChild, Afterwards::Kept) {
            noted(pid, status);
            let _ = reap_one(pid);
            count += 1;
        }
        count
    }

    fn reap_others(&self, mut noted: impl FnMut(i32, Status)) -> usize {
        let children = process::children(rustix::process::getpid().as_raw_pid());
        let ours = children
            .into_iter()
            .filter(|pid| !self.strangers.contains(pid));
        let dead = ours.filter_map(|pid| death(Whose::Child(pid), Afterwards::Kept).ok().flatten());
        let dead: Vec<_> = dead.collect();
        for &(pid, status) in &dead {
            noted(pid, status);
            let _ = reap_one(pid);
        }
        dead.len()
    }
}

/// Reaps one child that has died; none where it lives, or is not our child.
pub(crate) fn reap_one(pid: i32) -> Option<Status> {
    let dead = death(Whose::Child(pid), Afterwards::Reaped).ok()?;
    dead.map(|(_, status)| status)
}

impl AsFd for Reaper {
    /// Readable when a child has died.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.deaths.as_fd()
    }
}
