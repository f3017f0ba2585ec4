use std::io;
use std::path::Path;

use crate::Fault;

/// Why a sweep was not begun. What goes wrong with one object later is in the [`Report`](crate::Report).
///
/// The message is a lower-case fragment, fit for "failed to …"; it names the resource and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A pattern of the allow-list is no regular expression.
    InvalidPattern,
    /// The allow-list matches names that have nothing to do with each other, and nobody has said twice that it should.
    TooBroad,
    /// Two sweeps have the same kind, or one that is reserved.
    InvalidSweep,
    /// Objects or locks could not all be found. Nothing was reaped.
    Discovery,
    /// The directory of journal and audit is missing, not private, full, or cannot be used. Nothing was reaped.
    Home,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn discovery(kind: &str, fault: &Fault) -> Self {
        let message =
            format!("cannot find everything of kind {kind}, so nothing is reaped: {fault}");
        Self::new(ErrorKind::Discovery, message)
    }

    pub(crate) fn listing(error: &runward_lock::Error) -> Self {
        let message = format!("cannot list the locks, so nothing is reaped: {error}");
        Self::new(ErrorKind::Discovery, message)
    }

    pub(crate) fn home(doing: &str, path: &Path, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space there",
            io::ErrorKind::PermissionDenied => "; run as its owner, or name another directory",
            _ => "",
        };
        let message = format!("{doing} {}: {error}{remedy}", path.display());
        Self::new(ErrorKind::Home, message)
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether something could not be found, so that nothing was reaped.
    pub fn is_discovery(&self) -> bool {
        self.kind == ErrorKind::Discovery
    }
}
