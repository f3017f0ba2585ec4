//! Where artifacts come from.

mod dir;
mod memory;

pub use dir::Dir;
pub use memory::Memory;

use crate::{Error, Terms};

/// The files of a bundle, by paths relative to it with `/` between names.
pub trait Source {
    /// The paths of everything that is no directory, in any order.
    ///
    /// # Errors
    ///
    /// When the bundle cannot be listed, or has more files than the terms allow.
    fn list(&self, terms: &Terms) -> Result<Vec<String>, Error>;

    /// The bytes of a regular file.
    ///
    /// # Errors
    ///
    /// When there is no such file, it is no regular file, or it cannot be read whole. Must not block.
    fn read(&self, path: &str, terms: &Terms) -> Result<Vec<u8>, ReadError>;
}

impl<S: Source + ?Sized> Source for &S {
    fn list(&self, terms: &Terms) -> Result<Vec<String>, Error> {
        (**self).list(terms)
    }

    fn read(&self, path: &str, terms: &Terms) -> Result<Vec<u8>, ReadError> {
        (**self).read(path, terms)
    }
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing has that name.
    #[error("there is no such file")]
    Missing,
    /// Something else has that name, or stands on the way to it: what it is, with its article.
    #[error("{0} is no regular file; collect a copy of what it stands for")]
    NotAFile(&'static str),
    /// Larger than the terms allow.
    #[error("{size} bytes, and {limit} are allowed")]
    TooLarge {
        /// The bytes it has.
        size: u64,
        /// The bytes it may have.
        limit: u64,
    },
    /// It was written to meanwhile.
    #[error("it changed while it was read; seal the bundle before it is judged")]
    Changed,
    /// The system refused to read it: what it said.
    #[error("{0}")]
    Refused(String),
}

/// Whether a path stays below the root and has one spelling.
pub(crate) fn is_inside(path: &str) -> bool {
    let name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
    path.split('/').all(name)
}
