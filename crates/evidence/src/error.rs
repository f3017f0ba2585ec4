use std::fmt;

/// Why a spec, a parameter or a bundle as a whole could not be used. What is wrong with single artifacts is in the [`crate::Report`].
///
/// The message is a lower-case fragment, fit for "failed to …"; for a spec it begins with `file:line:column`.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Inner {
    kind: ErrorKind,
    message: String,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The spec is not a spec.
    Spec,
    /// There is no such parameter or rule, or a value is out of its bounds.
    Usage,
    /// A file or the directory of the bundle cannot be read.
    Io,
    /// Whoever was to sign did not.
    Signer,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { kind, message }))
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the spec is what is wrong.
    pub fn is_spec(&self) -> bool {
        self.kind() == ErrorKind::Spec
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
