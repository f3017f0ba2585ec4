//! The one error of the binary: a sentence for people, and the exit code that goes with it.
use std::fmt;
use std::path::Path;

use crate::exit;

/// What kind of thing went wrong before a program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line.
    Usage,
    /// `RUNWARD_*` or the configuration file.
    Config,
    /// A directory or file that cannot be used.
    Place,
    /// What another crate or the kernel refused.
    System,
}

/// A failure with its remedy in the message.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    code: u8,
    message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: exit::FAILED,
            message: message.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    pub(crate) fn place(message: impl Into<String>) -> Self {
        Self::new(Kind::Place, message)
    }

    /// `doing` something to `path` failed with `cause`.
    pub(crate) fn io(doing: &str, path: &Path, cause: &std::io::Error, remedy: &str) -> Self {
        Self::place(format!(
            "cannot {doing} {}: {cause}; {remedy}",
            path.display()
        ))
    }

    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests tell failures apart by kind, never by prose"
        )
    )]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
