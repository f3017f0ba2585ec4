use std::{fmt, io};

use crate::engine::Refusal;

/// Why the engine could not be asked, or would not do what it was asked.
///
/// The message is a lower-case fragment, fit for "failed to …"; it has the engine's own words where the engine spoke.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address of the engine is none that this crate can use.
    Address,
    /// Nobody listens at the address.
    Unreachable,
    /// This user may not talk to the engine, or the engine forbids the call.
    Denied,
    /// The engine did not answer in time.
    Slow,
    /// The engine's interface is older than what this crate needs.
    TooOld,
    /// The engine is no manager of a swarm.
    NotAManager,
    /// There is no such thing.
    Missing,
    /// Something else uses it still.
    InUse,
    /// The engine refused the call.
    Refused,
    /// The engine failed.
    Failed,
    /// The answer was none of an engine.
    Garbled,
    /// A name that no stack can have.
    InvalidName,
    /// The observer, or the permit, ended it.
    Cancelled,
}

impl Error {
    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the engine could not be asked at all, so that nothing is known.
    pub fn is_unreachable(&self) -> bool {
        use ErrorKind::{Address, Denied, Garbled, Slow, TooOld, Unreachable};
        matches!(
            self.kind,
            Address | Denied | Garbled | Slow | TooOld | Unreachable
        )
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "stopped as asked")
    }

    pub(crate) fn garbled(asked: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Garbled,
            format!("{asked}: the answer is none of a Docker engine: {why}"),
        )
    }

    pub(crate) fn io(asked: impl fmt::Display, source: io::Error) -> Self {
        let (kind, remedy) = classify(&source);
        Self {
            kind,
            message: format!("{asked}: {source}{remedy}"),
            source: Some(source),
        }
    }

    pub(crate) fn refusal(asked: impl fmt::Display, refusal: &Refusal) -> Self {
        let kind = refusal.kind();
        let remedy = match kind {
            ErrorKind::NotAManager => "; ask a manager of the swarm, by DOCKER_HOST",
            _ => "",
        };
        Self::new(
            kind,
            format!("{asked}: the engine answers {refusal}{remedy}"),
        )
    }
}

fn classify(error: &io::Error) -> (ErrorKind, &'static str) {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => (
            ErrorKind::Unreachable,
            "; start the engine, or set DOCKER_HOST to the socket where it listens",
        ),
        io::ErrorKind::PermissionDenied => (
            ErrorKind::Denied,
            "; run as root or as a member of the group that owns the socket",
        ),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            (ErrorKind::Slow, "; the engine did not answer in time")
        }
        _ => (ErrorKind::Unreachable, ""),
    }
}
