use std::{io, path::Path};

/// What a failure means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The process has more than one thread; the guardian is forked, so guards come first.
    Threads,
    /// The parent named with [`expect_parent`](crate::Lifetime::expect_parent) has died already.
    ParentGone,
    /// This host cannot hold a tree as strongly as was required.
    Containment,
    /// The journal cannot be written or read.
    Journal,
    /// A program, an argument or a variable has a NUL byte.
    Nul,
    /// Any other failure of the system.
    System,
}

/// Why a run could not be armed, started or recovered.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<io::Error>,
}

impl Error {
    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn system(what: &str, source: impl Into<io::Error>) -> Self {
        Self::because(ErrorKind::System, what, source)
    }

    pub(crate) fn journal(what: &str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::because(
            ErrorKind::Journal,
            &format!("{what} the journal {}", path.display()),
            source,
        )
    }

    pub(crate) fn because(kind: ErrorKind, what: &str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        Self {
            kind,
            message: format!("{what}: {source}"),
            source: Some(source),
        }
    }
}
