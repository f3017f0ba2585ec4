use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dir::{Inner, Place};
use crate::record::{CLEAN_AT, CLEAN_BYTE, Record};
use crate::registry::Slot;
use crate::sync::point;
use crate::{Error, ErrorKind, Fence, Kept, Mode, Name, acquire, pid, request};

/// A lock that is held. It may be moved to another thread and kept in any structure.
///
/// Dropping it releases the lock, except while panicking or after it was handed down: then the lock is let go of without the mark
/// of a clean release, so that the next holder looks for what was left. A copy in a forked child releases nothing.
#[must_use = "the lock is released when its guard is dropped"]
pub struct Guard {
    held: Held,
    pid: u32,
    since: Instant,
    ending: Ending,
}

/// The file comes before the slot: the lock is free before this process may ask for it again.
pub(crate) struct Held {
    pub(crate) file: OwnedFd,
    pub(crate) ino: u64,
    pub(crate) dir: Arc<Inner>,
    pub(crate) record: Option<Record>,
    pub(crate) predecessor: Option<Record>,
    pub(crate) fence: Fence,
    pub(crate) mode: Mode,
    pub(crate) waited: Duration,
    pub(crate) slot: Slot,
}

/// What a drop does besides closing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Mark,
    Leave,
}

impl Ending {
    /// The heir of an unfinished predecessor must not say that all is well before it is.
    fn of(held: &Held) -> Self {
        let unfinished = held.mode == Mode::Exclusive
            && held.predecessor.as_ref().is_some_and(Record::is_unfinished);
        if unfinished {
            Ending::Leave
        } else {
            Ending::Mark
        }
    }
}

/// A lock that was released, and how long it was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    name: Name,
    fence: Fence,
    held: Duration,
}

impl Released {
    /// For implementations of [`crate::Locks`].
    pub fn new(name: Name, fence: Fence, held: Duration) -> Self {
        Self { name, fence, held }
    }

    /// The lock.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The fence it was held under.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// How long it was held by this guard.
    pub fn held(&self) -> Duration {
        self.held
    }
}

impl fmt::Display for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "released {} with fence {} after {} ms",
            self.name,
            self.fence,
            self.held.as_millis()
        )
    }
}

impl Guard {
    pub(crate) fn new(pid: u32, held: Held) -> Self {
        Self {
            pid,
            since: Instant::now(),
            ending: Ending::of(&held),
            held,
        }
    }

    /// The name of the lock.
    pub fn name(&self) -> &Name {
        self.held.slot.name()
    }

    /// Exclusive or shared.
    pub fn mode(&self) -> Mode {
        self.held.mode
    }

    /// This holder's fence. A shared holder has that of the last exclusive one, or 0.
    pub fn fence(&self) -> Fence {
        self.held.fence
    }

    /// What the holder before left in the file: to clean up after it, if it did not release the lock itself.
    pub fn predecessor(&self) -> Option<&Record> {
        self.held.predecessor.as_ref()
    }

    /// How long the acquire waited; nothing if the lock was free.
    pub fn waited(&self) -> Duration {
        self.held.waited
    }

    /// Whether the lock file is still the one that others find at its path. Ask before each step that cannot be undone.
    ///
    /// # Errors
    ///
    /// A failed system call; treat it as no.
    pub fn still_current(&self) -> Result<bool, Error> {
        let place = self.held.dir.place(self.as_fd(), self.name().as_str())?;
        Ok(matches!(place, Place::Current(_)) && self.held.dir.in_place())
    }

    /// Tells others what this holder is doing now, and makes this process the recorded owner.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] if it is longer than 96 bytes or has control characters; [`ErrorKind::NotExclusive`] for a
    /// shared guard; [`ErrorKind::NotOwner`] in a fork.
    pub fn set_what(&mut self, what: &str) -> Result<(), Error> {
        request::check_text("what", what, crate::record::WHAT_MAX)?;
        self.check_owner()?;
        let own = self.held.dir.own();
        let Some(record) = self.held.record.as_mut() else {
            return Err(self.not_exclusive());
        };
        record.set_what(what);
        record.sign(&own.identity);
        acquire::put(
            &self.held.dir,
            self.held.slot.name(),
            &self.held.file,
            record,
        )
    }

    /// Releases the lock, leaving the mark of a clean release.
    ///
    /// # Errors
    ///
    /// If the mark cannot be written; the guard comes back, still held.
    pub fn close(mut self) -> Result<Released, Kept<Self>> {
        let marked = match self.ending {
            Ending::Mark => self.mark(),
            Ending::Leave => Ok(()),
        };
        if let Err(error) = marked {
            return Err(Kept::new(error, self));
        }
        self.ending = Ending::Leave;
        Ok(self.released())
    }

    /// Says that what a killed predecessor has left is finished, and leaves `trace` instead of its
    /// trace. Before that the predecessor's trace stays in the record, and a release is not marked,
    /// so that the next holder finds it all again should this one fail or be killed, too.
    ///
    /// # Errors
    ///
    /// As for [`set_what`](Self::set_what).
    pub fn settle(&mut self, trace: &str) -> Result<(), Error> {
        self.check_owner()?;
        let own = self.held.dir.own();
        let Some(record) = self.held.record.as_mut() else {
            return Err(self.not_exclusive());
        };
        record.set_trace(trace)?;
        record.sign(&own.identity);
        acquire::put(
            &self.held.dir,
            self.held.slot.name(),
            &self.held.file,
            record,
        )?;
        self.ending = Ending::Mark;
        Ok(())
    }

    /// Lets go of the lock without the mark: for somebody else who holds the same description and will release it, or so that
    /// the next holder finds the work unfinished.
    pub fn leave(mut self) -> Released {
        self.ending = Ending::Leave;
        self.released()
    }

    /// Releases the lock and removes its file. Whoever waits for it gets in by a fresh file; there are never two holders.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Replaced`] if the file at the path is not ours; [`ErrorKind::NotExclusive`] for a shared guard;
    /// [`ErrorKind::NotOwner`] in a fork. The guard comes back, still held.
    pub fn remove(mut self) -> Result<Released, Kept<Self>> {
        if let Err(error) = self.unlink() {
            return Err(Kept::new(error, self));
        }
        self.ending = Ending::Leave;
        Ok(self.released())
    }

    fn unlink(&self) -> Result<(), Error> {
        self.check_owner()?;
        if self.mode() == Mode::Shared {
            return Err(self.not_exclusive());
        }
        if !self.still_current()? {
            return Err(self.replaced());
        }
        point("remove.verified");
        let file = self.name().as_str();
        rustix::fs::unlinkat(&self.held.dir.fd, file, rustix::fs::AtFlags::empty())
            .map_err(|e| self.held.dir.error("cannot remove lock file", file, e))?;
        point("remove.unlinked");
        Ok(())
    }

    /// Flips one byte, while the lock is held; never after.
    fn mark(&self) -> Result<(), Error> {
        if self.mode() == Mode::Shared || self.pid != pid::own() {
            return Ok(());
        }
        let written = rustix::io::retry_on_intr(|| {
            rustix::io::pwrite(&self.held.file, &CLEAN_BYTE, CLEAN_AT)
        });
        written.map_err(|e| {
            self.held
                .dir
                .error("cannot mark the release in", self.name().as_str(), e)
        })?;
        point("release.marked");
        Ok(())
    }

    pub(crate) fn leave_to_others(&mut self) {
        self.ending = Ending::Leave;
    }

    pub(crate) fn ino(&self) -> u64 {
        self.held.ino
    }

    pub(crate) fn dev(&self) -> u64 {
        self.held.dir.id.0
    }

    fn released(&self) -> Released {
        Released::new(self.name().clone(), self.fence(), self.since.elapsed())
    }

    fn check_owner(&self) -> Result<(), Error> {
        if self.pid == pid::own() {
            return Ok(());
        }
        let text = format!(
            "the guard of lock {} belongs to process {}, of which this is a fork",
            self.name(),
            self.pid
        );
        Err(Error::new(ErrorKind::NotOwner, text))
    }

    fn not_exclusive(&self) -> Error {
        let text = format!(
            "lock {} is held shared, and others may hold it too; take it exclusively",
            self.name()
        );
        Error::new(ErrorKind::NotExclusive, text)
    }

    fn replaced(&self) -> Error {
        let path = self.held.dir.path_of(self.name().as_str());
        let text = format!(
            "lock file {} was removed or replaced while it was held; leave lock files alone",
            path.display()
        );
        Error::new(ErrorKind::Replaced, text)
    }
}

impl AsFd for Guard {
    /// The descriptor that carries the lock. Whoever gets a copy of it keeps the lock until the last copy is closed.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.held.file.as_fd()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.ending == Ending::Mark && !std::thread::panicking() {
            // The close that follows frees the lock whether or not the mark was made.
            let _ = self.mark();
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("name", self.name())
            .field("fence", &self.fence())
            .finish_non_exhaustive()
    }
}
