use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ReadError, Source};
use crate::{Error, Terms};

/// A bundle in memory: for tests, and for programs that judge what they have not written yet.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Memory {
    /// An empty bundle.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies all that can be read of another bundle.
    ///
    /// # Errors
    ///
    /// When that cannot be listed, or one of its files cannot be read.
    pub fn copy(source: &dyn Source, terms: &Terms) -> Result<Self, Error> {
        let mut memory = Self::new();
        for path in source.list(terms)? {
            let bytes = source
                .read(&path, terms)
                .map_err(|error| Error::new(crate::ErrorKind::Io, format!("{path}: {error}")))?;
            memory.insert(path, bytes);
        }
        Ok(memory)
    }

    /// Puts a file there, in place of one that had its path.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into().into());
    }

    /// Takes a file away; says whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.files.remove(path).is_some()
    }

    /// The bytes of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|bytes| &**bytes)
    }
}

impl Source for Memory {
    fn list(&self, terms: &Terms) -> Result<Vec<String>, Error> {
        if self.files.len() > terms.files() {
            return Err(super::dir::too_many(terms));
        }
        Ok(self.files.keys().cloned().collect())
    }

    fn read(&self, path: &str, terms: &Terms) -> Result<Vec<u8>, ReadError> {
        let bytes = self.files.get(path).ok_or(ReadError::Missing)?;
        let (size, limit) = (bytes.len() as u64, terms.file());
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        Ok(bytes.to_vec())
    }
}
