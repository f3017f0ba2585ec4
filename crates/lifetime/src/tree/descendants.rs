//! All descendants of this process, which is a subreaper: an orphan of the tree becomes its
//! child, so the tree is empty exactly when no child is left.
//!
//! A tree that forks faster than it is read is not killed by killing what was read. So everyone
//! is stopped first, again and again until a pass finds nobody new, and a stopped process does
//! not fork.

use std::{collections::HashMap, os::fd::OwnedFd};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::{
    process::{Identity, Stat, children},
    sys::{self, Afterwards, Whose},
};

/// Passes that must find nobody new.
const QUIET_PASSES: u32 = 2;
/// A tree that outruns us for this long is killed as far as it is known, and then again.
const MOST_PASSES: u32 = 2000;
const MOST_ROUNDS: u32 = 50;

/// The tree below this process, but for children that it had before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    strangers: Vec<i32>,
}

impl Held {
    pub(crate) fn beside(strangers: &[i32]) -> Self {
        Self {
            strangers: strangers.to_vec(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        if !self.strangers.is_empty() {
            return self.below().is_empty();
        }
        sys::death(Whose::AnyChild, Afterwards::Kept).is_err()
    }

    pub(crate) fn members(&self) -> Vec<i32> {
        let live = |pid: &i32| Stat::of(*pid).is_some_and(|stat| !stat.is_dead());
        self.below().into_iter().filter(live).collect()
    }

    pub(crate) fn ask(&self) {
        for pid in self.members() {
            if let Some(pinned) = pin(pid) {
                let _ = pidfd_send_signal(&pinned, Signal::TERM);
                let _ = pidfd_send_signal(&pinned, Signal::CONT);
            }
        }
    }

    /// Stops everyone to a fixpoint and kills them; again, as long as that finds somebody who was
    /// just being forked when all seemed to stand still.
    pub(crate) fn kill(&self) {
        raise_priority();
        let mut killed: HashMap<Identity, OwnedFd> = HashMap::new();
        for _ in 0..MOST_ROUNDS {
            let before = killed.len();
            self.stop_all(&mut killed);
            for pinned in killed.values() {
                let _ = pidfd_send_signal(pinned, Signal::KILL);
            }
            if killed.len() == before {
                return;
            }
        }
    }

    fn stop_all(&self, stopped: &mut HashMap<Identity, OwnedFd>) {
        let mut quiet = 0;
        for _ in 0..MOST_PASSES {
            quiet = if self.stop_new(stopped) == 0 {
                quiet + 1
            } else {
                0
            };
            if quiet == QUIET_PASSES {
                return;
            }
        }
    }

    /// Stops everyone who is not known yet; answers how many. Who has the signal does not fork any
    /// more, even if he has not been seen to stand still: a parent in `vfork(2)` does not until its
    /// child has executed, and that child is stopped, too.
    fn stop_new(&self, stopped: &mut HashMap<Identity, OwnedFd>) -> usize {
        let before = stopped.len();
        for pid in self.below() {
            let Some(stat) = Stat::of(pid).filter(|stat| !stat.is_dead()) else {
                continue;
            };
            let identity = Identity {
                pid,
                start: stat.start,
            };
            if stopped.contains_key(&identity) {
                continue;
            }
            if let Some(pinned) = pin(pid) {
                let _ = pidfd_send_signal(&pinned, Signal::STOP);
                stopped.insert(identity, pinned);
            }
        }
        stopped.len() - before
    }

    fn below(&self) -> Vec<i32> {
        let mut found = children(own_pid());
        found.retain(|pid| !self.strangers.contains(pid));
        let mut next = 0;
        while let Some(&pid) = found.get(next) {
            found.extend(children(pid));
            next += 1;
        }
        found
    }
}

/// A pidfd of a process that is, at this moment, below us: the pidfd pins whoever has the pid, and
/// his line of parents, read after that, leads to us; that of a stranger who reuses it does not.
fn pin(pid: i32) -> Option<OwnedFd> {
    let pinned = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    let own = own_pid();
    let mut parent = Stat::of(pid)?.parent;
    while parent != own {
        parent = Stat::of(parent).filter(|_| parent > 1)?.parent;
    }
    Some(pinned)
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_pid()
}

/// Each process of a bomb that calls `setsid` has a scheduling group of its own (`sched(7)`, the
/// autogroup feature), and together they starve us, unless we are of another class.
fn raise_priority() {
    let _ = std::fs::write("/proc/self/autogroup", "-20");
    let _ = rustix::process::nice(-20);
    sys::run_first();
}
