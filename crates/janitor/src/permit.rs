use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use runward_lock::{Fence, Hold, Name};

use crate::cancel;
use crate::{Fault, FaultKind};

/// Proof that this sweep holds the lock of the owner right now. Only a guard makes one.
pub struct Permit<'a> {
    name: &'a Name,
    fence: Fence,
    current: Box<dyn Fn() -> Result<bool, runward_lock::Error> + 'a>,
    deadline: Option<Instant>,
    cancel: Option<BorrowedFd<'a>>,
}

impl<'a> Permit<'a> {
    /// The permit of whoever holds this guard.
    pub fn new<H: Hold>(guard: &'a H) -> Self {
        Self {
            name: guard.name(),
            fence: guard.fence(),
            current: Box::new(|| guard.still_current()),
            deadline: None,
            cancel: None,
        }
    }

    /// It ends at this moment.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// It ends as soon as this descriptor can be read from.
    #[must_use]
    pub fn cancel_on(mut self, fd: BorrowedFd<'a>) -> Self {
        self.cancel = Some(fd);
        self
    }

    /// To be asked before each call that cannot be undone.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Stopped`] once the lock is lost, the time is over, or the sweep was cancelled.
    pub fn check(&self) -> Result<(), Fault> {
        if self.cancel.is_some_and(cancel::is_ready) {
            return Err(stopped("the sweep was cancelled".to_owned()));
        }
        if self.deadline.is_some_and(|end| Instant::now() >= end) {
            return Err(stopped(format!(
                "the time for reaping {} is over; allow more, or let the next sweep go on",
                self.name
            )));
        }
        match (self.current)() {
            Ok(true) => Ok(()),
            Ok(false) => Err(stopped(format!(
                "lock {} was lost while it was held; leave lock files alone",
                self.name
            ))),
            Err(error) => Err(stopped(format!(
                "cannot tell whether lock {} is still held: {error}",
                self.name
            ))),
        }
    }

    /// When it ends, for whoever waits meanwhile.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What ends it when it can be read from, to be polled together with whatever else is waited for.
    pub fn cancel(&self) -> Option<BorrowedFd<'_>> {
        self.cancel
    }

    /// The name whose lock is held.
    pub fn name(&self) -> &Name {
        self.name
    }

    /// The fence under which it is held.
    pub fn fence(&self) -> Fence {
        self.fence
    }
}

fn stopped(message: String) -> Fault {
    Fault::new(FaultKind::Stopped, message)
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("name", &self.name)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
