use std::fmt;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::Holder;

/// Why a lock could not be opened, taken, kept or removed.
///
/// The message is a lower-case fragment, fit for "failed to …"; it names the resource and what to do about it.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Inner {
    kind: ErrorKind,
    message: String,
    holder: Option<Holder>,
    source: Option<io::Error>,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name cannot be the name of a lock.
    InvalidName,
    /// A text of the request is too long, or has control characters.
    InvalidRequest,
    /// Somebody else holds the lock, and still held it when the wait was over. [`Error::holder`] says who.
    Busy,
    /// The observer ended the wait.
    Cancelled,
    /// This process holds the lock already, so waiting would be waiting for itself.
    AlreadyHeld,
    /// The process that started this one, or one above it, holds the lock, and the request refuses to wait for that.
    HeldByAncestor,
    /// A symbolic link stands where the directory or the lock file should be.
    Symlink,
    /// The path of the directory is no directory.
    NotADirectory,
    /// Others own the directory or may write to it.
    NotPrivate,
    /// The directory lies on a filesystem whose locks are not known to be dependable.
    ForeignFilesystem,
    /// Something that is no regular file stands where the lock file should be.
    NotALockFile,
    /// A process has locked a range of the lock file without taking the lock.
    MixedLocks,
    /// A file of the directory has what no holder writes, and the lock cannot be given without going back behind it.
    Corrupt,
    /// There is no room to write the record. The lock was not granted.
    StorageFull,
    /// The filesystem is read-only.
    ReadOnly,
    /// The system refused access.
    Permission,
    /// The descriptor does not carry the lock, or nothing was handed down.
    NotHeld,
    /// The lock file is not the one that the guard holds: it was removed or replaced behind our back.
    Replaced,
    /// The fence is not that of the last holder.
    Stale,
    /// The guard belongs to another process: this one is a fork.
    NotOwner,
    /// A shared guard cannot do this.
    NotExclusive,
    /// The implementation does not offer this.
    Unsupported,
    /// A system call failed for another reason; see [`std::error::Error::source`].
    Io,
}

impl Error {
    /// An error of an implementation of [`crate::Locks`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            holder: None,
            source: None,
        }))
    }

    /// Says who holds the lock.
    #[must_use]
    pub fn with_holder(mut self, holder: Holder) -> Self {
        self.0.holder = Some(holder);
        self
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who held the lock, where the kind is [`ErrorKind::Busy`], [`ErrorKind::HeldByAncestor`] or [`ErrorKind::Cancelled`].
    pub fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_ref()
    }

    /// Whether somebody else holds the lock.
    pub fn is_busy(&self) -> bool {
        self.kind() == ErrorKind::Busy
    }

    /// Whether an ancestor of this process holds the lock, for which the request refused to wait.
    pub fn is_held_by_ancestor(&self) -> bool {
        self.kind() == ErrorKind::HeldByAncestor
    }

    /// Whether the observer ended the wait.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    pub(crate) fn io(doing: &str, path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let (kind, remedy) = classify(&source);
        let message = format!("{doing} {}: {source}{remedy}", path.display());
        Self(Box::new(Inner {
            kind,
            message,
            holder: None,
            source: Some(source),
        }))
    }
}

fn classify(error: &io::Error) -> (ErrorKind, &'static str) {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => (ErrorKind::StorageFull, "; free some space there"),
        Some(Errno::ROFS) => (
            ErrorKind::ReadOnly,
            "; choose a lock directory that can be written to",
        ),
        Some(Errno::ACCESS | Errno::PERM) => (
            ErrorKind::Permission,
            "; run as the owner of the lock directory",
        ),
        Some(Errno::LOOP) => (ErrorKind::Symlink, "; remove the symbolic link"),
        _ => (ErrorKind::Io, ""),
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A call that would have consumed a guard and failed; the guard is still there.
#[derive(thiserror::Error)]
#[error("{}", .0.error)]
pub struct Kept<G>(Box<Parts<G>>);

struct Parts<G> {
    error: Error,
    guard: G,
}

impl<G> Kept<G> {
    /// Pairs the error with what is still held.
    pub fn new(error: Error, guard: G) -> Self {
        Self(Box::new(Parts { error, guard }))
    }

    /// What went wrong.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// The guard, to try again with.
    pub fn into_guard(self) -> G {
        self.0.guard
    }

    /// The error alone; the guard is dropped.
    pub fn into_error(self) -> Error {
        self.0.error
    }
}

impl<G> fmt::Debug for Kept<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("error", &self.0.error)
            .finish_non_exhaustive()
    }
}
