/// What is wrong with rules, with a snapshot or with a state that was read.
///
/// The message is a lower-case fragment, fit for "failed to …"; it names file, line, value and remedy.
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
    /// A rule set that cannot be used.
    Rules,
    /// A file that is no snapshot, or one of another schema.
    Snapshot,
    /// A state that is not one of ours.
    State,
    /// A source that refuses what it is asked for.
    Source,
    /// A file or a directory that cannot be read or written.
    Storage,
    /// Somebody else has written the ledger meanwhile.
    Conflict,
}

impl Error {
    /// An error of that kind, in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
