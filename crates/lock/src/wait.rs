//! Waiting: one poll for the lock, the deadline, the next tick and a cancel.

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::waiter::{Block, Waiter};
use crate::{Error, ErrorKind, Event, Fence, Holder, Name, Process, Request, Wait, pid};

/// How often a lock is tried where no child can be had: the host may be out of processes.
const PACE: Duration = Duration::from_millis(50);
/// How many children may end without the lock before we do without: somebody kills them.
const PATIENCE: u32 = 3;

type Observer<'o> = dyn FnMut(&Event<'_>) -> ControlFlow<()> + 'o;

/// One wait, from the first try to the guard.
pub(crate) struct Waiting<'a, 'o> {
    name: &'a Name,
    request: &'a Request<'a>,
    observer: &'a mut Observer<'o>,
    /// When it first found the lock busy.
    started: Option<Instant>,
    announced: bool,
    tick: Option<Instant>,
}

/// What to wait for: the call that blocks, the try that does not, and whom to name meanwhile.
pub(crate) struct Awaited<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) block: Block,
    pub(crate) attempt: &'a dyn Fn() -> io::Result<bool>,
    pub(crate) holder: &'a dyn Fn() -> (Holder, usize),
}

enum Woken {
    Child,
    Cancel,
    Tick,
    Deadline,
}

impl<'a, 'o> Waiting<'a, 'o> {
    pub(crate) fn new(
        name: &'a Name,
        request: &'a Request<'a>,
        observer: &'a mut Observer<'o>,
    ) -> Self {
        Self {
            name,
            request,
            observer,
            started: None,
            announced: false,
            tick: None,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |at| at.elapsed())
    }

    pub(crate) fn acquired(&mut self, fence: Fence) -> Duration {
        let waited = self.elapsed();
        // There is nothing left to break off.
        let _ = (self.observer)(&Event::Acquired {
            name: self.name,
            fence,
            waited,
        });
        waited
    }

    /// Returns once the try has succeeded.
    pub(crate) fn until(&mut self, awaited: &Awaited<'_>) -> Result<(), Error> {
        if self.attempt(awaited)? {
            return Ok(());
        }
        self.started.get_or_insert_with(Instant::now);
        if self.request.wait == Wait::Never {
            return Err(self.busy(awaited));
        }
        if !self.announced {
            self.announce(awaited)?;
        }
        let mut ended = 0;
        loop {
            let child = if ended < PATIENCE {
                Waiter::spawn(awaited.fd, awaited.block).ok()
            } else {
                None
            };
            crate::sync::point("acquire.waiting");
            let woken = self.watch(awaited, child.as_ref())?;
            // A child that was granted the lock as it was killed leaves it on our description: the try tells.
            drop(child);
            ended += 1;
            if self.attempt(awaited)? {
                return Ok(());
            }
            if matches!(woken, Woken::Deadline) {
                return Err(self.busy(awaited));
            }
        }
    }

    fn attempt(&self, awaited: &Awaited<'_>) -> Result<bool, Error> {
        (awaited.attempt)().map_err(|e| Error::io("cannot lock", self.name.as_ref().as_ref(), e))
    }

    /// Ends with the child or the deadline; serves ticks and cancels meanwhile.
    fn watch(&mut self, awaited: &Awaited<'_>, child: Option<&Waiter>) -> Result<Woken, Error> {
        loop {
            match self.sleep(child)? {
                Woken::Tick => self.announce(awaited)?,
                Woken::Cancel => self.ask(awaited)?,
                done => return Ok(done),
            }
        }
    }

    fn announce(&mut self, awaited: &Awaited<'_>) -> Result<(), Error> {
        let (holder, waiters) = (awaited.holder)();
        self.refuse(&holder)?;
        let waiters = waiters.max(1);
        let event = Event::Waiting {
            name: self.name,
            holder: &holder,
            elapsed: self.elapsed(),
            waiters,
        };
        let answer = (self.observer)(&event);
        self.announced = true;
        // A tick beyond the end of the clock never comes.
        self.tick = (self.request.tick).and_then(|every| Instant::now().checked_add(every));
        if answer.is_break() {
            Err(self.cancelled(holder))
        } else {
            Ok(())
        }
    }

    fn ask(&mut self, awaited: &Awaited<'_>) -> Result<(), Error> {
        let event = Event::CancelReadable {
            name: self.name,
            elapsed: self.elapsed(),
        };
        match (self.observer)(&event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(self.cancelled((awaited.holder)().0)),
        }
    }

    fn sleep(&self, child: Option<&Waiter>) -> Result<Woken, Error> {
        loop {
            if let Some(woken) = self.doze(child)? {
                return Ok(woken);
            }
        }
    }

    /// One poll; nothing if a signal ended it.
    fn doze(&self, child: Option<&Waiter>) -> Result<Option<Woken>, Error> {
        let pace = if child.is_none() {
            Some(Instant::now() + PACE)
        } else {
            None
        };
        let deadline = if let Wait::Until(at) = self.request.wait {
            Some(at)
        } else {
            None
        };
        let wake = [pace, deadline, self.tick].into_iter().flatten().min();
        let mut fds = Vec::with_capacity(2);
        fds.extend(
            self.request
                .cancel
                .as_ref()
                .map(|fd| PollFd::new(fd, PollFlags::IN)),
        );
        fds.extend(child.map(|child| PollFd::new(child, PollFlags::IN)));
        let ready = poll(&mut fds, wake)
            .map_err(|e| Error::io("cannot wait for", self.name.as_ref().as_ref(), e))?;
        let cancelled = self.request.cancel.is_some() && !fds[0].revents().is_empty();
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        Ok(match ready {
            _ if cancelled => Some(Woken::Cancel),
            1.. => Some(Woken::Child),
            _ if past(deadline) => Some(Woken::Deadline),
            _ if past(self.tick) => Some(Woken::Tick),
            // Without a child this is the pace; with one, a signal came.
            _ if child.is_none() => Some(Woken::Child),
            _ => None,
        })
    }

    /// Fails if the holder is one for which we may not wait.
    fn refuse(&self, holder: &Holder) -> Result<(), Error> {
        if !self.request.refuse_ancestor || !holder.is_ancestor() {
            return Ok(());
        }
        let text = format!(
            "lock {} is held by {holder}{}; use the lock that it has, or have it handed down",
            self.name,
            Kinship(holder)
        );
        Err(Error::new(ErrorKind::HeldByAncestor, text).with_holder(holder.clone()))
    }

    fn busy(&self, awaited: &Awaited<'_>) -> Error {
        let holder = (awaited.holder)().0;
        if let Err(refused) = self.refuse(&holder) {
            return refused;
        }
        let waited = self.elapsed().as_secs_f64();
        let text = format!(
            "lock {} is busy after {waited:.1} s: held by {holder}{}; wait longer, or let that run end",
            self.name,
            Kinship(&holder)
        );
        Error::new(ErrorKind::Busy, text).with_holder(holder)
    }

    fn cancelled(&self, holder: Holder) -> Error {
        let waited = self.elapsed().as_secs_f64();
        let text = format!(
            "the wait for lock {} was cancelled after {waited:.1} s; it is held by {holder}",
            self.name
        );
        Error::new(ErrorKind::Cancelled, text).with_holder(holder)
    }
}

/// What is to be added of a holder without which we would not be there.
struct Kinship<'a>(&'a Holder);

impl fmt::Display for Kinship<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_ancestor() {
            return Ok(());
        }
        let own = Process::new(pid::own());
        write!(
            f,
            ", which is an ancestor of this process, pid {} ({}), and may be waiting for it",
            own.pid(),
            own.command()
        )
    }
}

/// A poll that a signal merely shortens.
fn poll(fds: &mut [PollFd<'_>], wake: Option<Instant>) -> io::Result<usize> {
    let left = wake.map(|at| at.saturating_duration_since(Instant::now()));
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match rustix::event::poll(fds, timeout.as_ref()) {
        Ok(ready) => Ok(ready),
        Err(Errno::INTR) => Ok(0),
        Err(e) => Err(e.into()),
    }
}

/// Waits for something that is only ever held for an instant; false if it is not free by then.
pub(crate) fn briefly(
    fd: BorrowedFd<'_>,
    block: Block,
    attempt: &dyn Fn() -> io::Result<bool>,
) -> io::Result<bool> {
    let limit = Instant::now() + Duration::from_secs(5);
    while !attempt()? {
        let child = Waiter::spawn(fd, block).ok();
        let wake = if child.is_some() {
            limit
        } else {
            limit.min(Instant::now() + PACE)
        };
        let mut fds: Vec<_> = child
            .iter()
            .map(|child| PollFd::from_borrowed_fd(child.as_fd(), PollFlags::IN))
            .collect();
        poll(&mut fds, Some(wake))?;
        drop(child);
        if Instant::now() >= limit {
            return attempt();
        }
    }
    Ok(true)
}
