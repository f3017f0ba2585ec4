use std::fmt;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::obstacle::Obstacle;

/// Why a state directory could not be described, named, built, looked at or removed.
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
    obstacles: Vec<Obstacle>,
    source: Option<io::Error>,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A layout is not valid; the message says the line and the column.
    InvalidLayout,
    /// A request asks for what the layout does not offer, or for a path that leads out.
    InvalidRequest,
    /// A run id, a domain or a pattern for one cannot be a name.
    InvalidName,
    /// A name that will be made of the domain is longer than its limit.
    TooLong,
    /// A compose file cannot be read as one, or a name in it cannot be told.
    InvalidCompose,
    /// The place may be deleted by somebody else while it is in use.
    Doomed,
    /// A symbolic link stands where a directory or a file of our own should be.
    Symlink,
    /// Others own the place or may write to it.
    NotPrivate,
    /// What was to be staged or pinned is not there.
    Missing,
    /// The canonical directory has an app of that name: it is somebody else's.
    Taken,
    /// There is no room left.
    StorageFull,
    /// The filesystem is read-only.
    ReadOnly,
    /// The system refused access.
    Permission,
    /// Part of a directory could not be removed; [`Error::obstacles`] names each.
    NotRemoved,
    /// A system call failed for another reason; see [`std::error::Error::source`].
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::with(kind, message.into(), Vec::new(), None)
    }

    pub(crate) fn not_removed(message: String, obstacles: Vec<Obstacle>) -> Self {
        Self::with(ErrorKind::NotRemoved, message, obstacles, None)
    }

    pub(crate) fn io(doing: &str, path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let (kind, remedy) = classify(&source);
        let message = format!("{doing} {}: {source}{remedy}", Shown(path));
        Self::with(kind, message, Vec::new(), Some(source))
    }

    fn with(
        kind: ErrorKind,
        message: String,
        obstacles: Vec<Obstacle>,
        source: Option<io::Error>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            message,
            obstacles,
            source,
        }))
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What stood in the way of a removal, where the kind is [`ErrorKind::NotRemoved`].
    pub fn obstacles(&self) -> &[Obstacle] {
        &self.0.obstacles
    }

    /// Whether part of a directory is still there.
    pub fn is_not_removed(&self) -> bool {
        self.kind() == ErrorKind::NotRemoved
    }

    /// Whether there was no room.
    pub fn is_storage_full(&self) -> bool {
        self.kind() == ErrorKind::StorageFull
    }
}

fn classify(error: &io::Error) -> (ErrorKind, &'static str) {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => (ErrorKind::StorageFull, "; free some space there"),
        Some(Errno::ROFS) => (
            ErrorKind::ReadOnly,
            "; choose a place that can be written to",
        ),
        Some(Errno::ACCESS | Errno::PERM) => {
            (ErrorKind::Permission, "; run as the owner of that path")
        }
        Some(Errno::LOOP) => (ErrorKind::Symlink, "; remove the symbolic link"),
        Some(Errno::NOENT) => (ErrorKind::Missing, ""),
        _ => (ErrorKind::Io, ""),
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A path in one line, whatever is in its name.
pub(crate) struct Shown<'a>(pub(crate) &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string_lossy().chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}
