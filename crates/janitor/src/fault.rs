use std::io;
use std::path::Path;

/// Why a [`Sweep`](crate::Sweep) could not tell or could not do something, in the words of what it talks to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    kind: FaultKind,
    message: String,
}

/// The case of a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// What it talks to does not answer.
    Unreachable,
    /// It may not.
    Denied,
    /// What it talks to understood and refused: in use, wrong state.
    Refused,
    /// The permit did not hold any more: the lock was lost, the time is over, or the sweep was cancelled.
    Stopped,
    /// Anything else.
    Other,
}

impl Fault {
    /// A fault. The message is a lower-case fragment that names the object and what to do about it.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// A failed system call on a path: `doing` is such as `cannot remove`.
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                FaultKind::Denied
            }
            io::ErrorKind::ResourceBusy | io::ErrorKind::DirectoryNotEmpty => FaultKind::Refused,
            _ => FaultKind::Other,
        };
        Self::new(kind, format!("{doing} {}: {error}", path.display()))
    }

    /// The case.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }
}
