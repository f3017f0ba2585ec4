/// Why a sink cannot be made of its settings.
///
/// The message is a lower-case fragment that names the setting and the remedy, and never has a secret in it.
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
    /// A setting that is unknown, missing, or not what it has to be.
    Setting,
    /// A secret that is not where it should be.
    Secret,
    /// A file that cannot be used.
    File,
}

impl Error {
    pub(crate) fn setting(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Setting, message)
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
