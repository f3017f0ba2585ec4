//! A process group: what `kill(2)` with a negative pid reaches. Whoever calls `setsid` or
//! `setpgid` has left.

use std::{cell::Cell, os::fd::OwnedFd};

use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, test_kill_process_group,
};

use crate::process::{Stat, all};

/// How often in a row nobody must be seen alive.
const LOOKS: u32 = 3;

/// Its id cannot be reused while anybody has it, dead or alive.
#[derive(Debug, Default)]
pub(crate) struct Held {
    id: Cell<Option<i32>>,
}

impl Held {
    pub(crate) fn lead(&self, id: i32) {
        self.id.set(Some(id));
    }

    pub(crate) fn ask(&self) {
        self.send(Signal::TERM);
        self.send(Signal::CONT);
    }

    pub(crate) fn kill(&self) {
        self.send(Signal::KILL);
    }

    fn send(&self, signal: Signal) {
        if let Some(id) = self
            .id
            .get()
            .and_then(Pid::from_raw)
            .filter(|_| !self.is_empty())
        {
            let _ = kill_process_group(id, signal);
        }
    }

    /// The kernel knows no group of this id any more, or none of it is alive. One look does not show
    /// that: who is forked after the list was made, by a member that is dead when it is looked at, is
    /// missing in it.
    pub(crate) fn is_empty(&self) -> bool {
        let id = self.id.get().and_then(Pid::from_raw);
        let gone = |id| test_kill_process_group(id) == Err(rustix::io::Errno::SRCH);
        id.is_none_or(gone) || (0..LOOKS).all(|_| self.members().is_empty())
    }

    pub(crate) fn members(&self) -> Vec<i32> {
        let Some(id) = self.id.get() else {
            return Vec::new();
        };
        let live = |stat: Stat| stat.group == id && !stat.is_dead();
        all()
            .filter(|&pid| Stat::of(pid).is_some_and(live))
            .collect()
    }

    /// The kernel does not tell when a group is empty, but it tells when a member dies.
    pub(crate) fn watch(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(*self.members().first()?)?;
        pidfd_open(pid, PidfdFlags::empty()).ok()
    }
}
