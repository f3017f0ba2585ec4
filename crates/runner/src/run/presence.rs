//! The lock of a run itself: whoever finds something that the run made asks this lock whether the run is alive.
use std::os::fd::OwnedFd;

use runward_lock::{Guard, LockDir, Name, Request, Wait, quiet};

use super::{own, system};
use crate::error::Result;
use crate::plan::Plan;

/// Held by owner and guardian from before anything is made until everything is gone.
pub(super) struct Presence(Option<Guard>);

impl Presence {
    /// A run that makes nothing but processes goes without it where no lock can be had: a sweep that sees no lock file of it lets its
    /// cgroup be.
    pub(super) fn declare(plan: &Plan) -> Result<Self> {
        match Self::take(plan) {
            Err(_) if plan.journal.is_none() => Ok(Self(None)),
            taken => taken.map(|guard| Self(Some(guard))),
        }
    }

    fn take(plan: &Plan) -> Result<Guard> {
        // Its directory is below that of the apps, which has to be in order first.
        let locks = LockDir::open(&plan.locks)
            .and_then(|_| LockDir::open(plan.directories().run_locks()))
            .map_err(system)?;
        let request = Request::new()
            .run_id(&plan.run_id)
            .what(own::what(plan))
            .trace(plan.trace())
            .wait(Wait::Never);
        locks
            .acquire(&Name::slug(&plan.key), &request, &mut quiet)
            .map_err(system)
    }

    /// For the guardian.
    pub(super) fn copy(&self) -> Result<Vec<OwnedFd>> {
        own::copies(self.0.as_slice())
    }

    pub(super) fn name(&self) -> Option<Name> {
        self.0.as_ref().map(|guard| guard.name().clone())
    }

    /// Some of its processes stay, as they were allowed to or cannot die yet: the file says that it has ended, and as long as it is
    /// there, a sweep knows their cgroup.
    pub(super) fn stay(mut self) {
        drop(self.0.take().map(Guard::close));
    }

    /// What is left is for a sweep to finish.
    pub(super) fn leave(mut self) {
        drop(self.0.take().map(Guard::leave));
    }
}

impl Drop for Presence {
    /// Nothing is left that anybody would ask about.
    fn drop(&mut self) {
        drop(self.0.take().map(Guard::remove));
    }
}
