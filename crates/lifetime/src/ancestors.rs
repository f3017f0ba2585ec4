//! The processes above this one, each pinned by a pidfd that polls as readable when it dies.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};

use crate::{
    info,
    process::{Stat, proc_is_ours},
};

/// No host nests deeper; a loop cannot be, but bounds are cheap.
const MOST: usize = 64;

#[derive(Debug)]
pub(crate) struct Ancestor {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
}

/// Pins every ancestor up to the first process of the pid namespace.
///
/// Step by step, and each step is checked after the fact: 1. read who the parent is; 2. open a
/// pidfd for that pid; 3. read again: if the child still has this parent, then it lived when
/// the pidfd was opened, so the pidfd is of the parent and of nobody who took over its pid.
pub(crate) fn watch() -> Vec<Ancestor> {
    let mut found: Vec<Ancestor> = Vec::new();
    let mut next = pin(|| getppid().map(Pid::as_raw_pid));
    while let Some(ancestor) = next.take().filter(|_| found.len() < MOST) {
        found.push(ancestor);
        next = found
            .last()
            .filter(|child| child.pid != 1)
            .and_then(|child| pin(|| parent_of(child)));
    }
    found
}

/// From the kernel, or from `/proc` where the kernel is older and `/proc` is that of our pids.
fn parent_of(child: &Ancestor) -> Option<i32> {
    let listed = || {
        proc_is_ours()
            .then(|| Stat::of(child.pid))
            .flatten()
            .map(|stat| stat.parent)
    };
    info::parent(&child.pidfd).or_else(listed)
}

fn pin(parent: impl Fn() -> Option<i32>) -> Option<Ancestor> {
    for _ in 0..MOST {
        let pid = parent().filter(|&pid| pid > 0)?;
        let opened = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty());
        if parent() == Some(pid) {
            return opened.ok().map(|pidfd| Ancestor { pid, pidfd });
        }
    }
    None
}
