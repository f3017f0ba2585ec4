//! Signals to the drill itself: they end it, and never before what it broke is mended.
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::wrong;
use crate::error::Result;

const HEARD: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

pub(super) struct Signals {
    pub(super) fd: SignalFd,
    first: Option<Signal>,
    count: usize,
}

impl Signals {
    /// From now on signals are heard here alone.
    pub(super) fn block() -> Result<Self> {
        let set: SigSet = HEARD.into_iter().collect();
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let blocked = set.thread_block();
        let fd = blocked.and_then(|()| SignalFd::with_flags(&set, flags));
        Ok(Self {
            fd: fd.map_err(wrong)?,
            first: None,
            count: 0,
        })
    }

    /// How many there were so far.
    pub(super) fn heard(&mut self) -> usize {
        while let Ok(Some(info)) = self.fd.read_signal() {
            let is = |signal: &Signal| u32::try_from(*signal as i32) == Ok(info.ssi_signo);
            self.first = self.first.or(HEARD.into_iter().find(is));
            self.count += 1;
        }
        self.count
    }

    /// The first, which is the one that the exit code tells.
    pub(super) fn first(&mut self) -> Option<Signal> {
        self.heard();
        self.first
    }

    /// Waits; says whether it was for all of that time.
    pub(super) fn rest(&mut self, gap: Duration) -> bool {
        let until = Instant::now() + gap;
        loop {
            if self.heard() > 0 {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Some(limit) = limit(left) else {
                return true;
            };
            let _ = poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&limit));
        }
    }
}

/// What `poll` waits at most; none if there is nothing left to wait for.
pub(super) fn limit(left: Duration) -> Option<Timespec> {
    (!left.is_zero()).then(|| Timespec::try_from(left).ok())?
}
