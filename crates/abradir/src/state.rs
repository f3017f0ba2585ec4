use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::root::{Inner, remove_entry};
use crate::{Environment, Error, Layout, Pin};

/// The state directory of a run: it goes when this does.
#[must_use = "the state directory is removed when this is dropped"]
#[derive(Debug)]
pub struct StateDir {
    parts: Parts,
    builder: u32,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) root: Arc<Inner>,
    pub(crate) name: String,
    /// What the tool sees; what else there is lies beside it.
    pub(crate) tree: PathBuf,
    pub(crate) environment: Environment,
    pub(crate) left_out: Vec<PathBuf>,
    pub(crate) pin: Option<Pin>,
    pub(crate) layout: Layout,
}

impl StateDir {
    pub(crate) fn new(parts: Parts) -> Self {
        let builder = std::process::id();
        Self { parts, builder }
    }

    /// Its name among the others in [`Root::list`](crate::Root::list).
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The directory that the tool sees.
    pub fn path(&self) -> &Path {
        &self.parts.tree
    }

    /// What every command of the run is started with.
    pub fn environment(&self) -> &Environment {
        &self.parts.environment
    }

    /// The version of its app as it was when this was built: none if the layout has no pin, or the app had no settings yet.
    pub fn pin(&self) -> Option<&Pin> {
        self.parts.pin.as_ref()
    }

    /// Paths of the canonical directory that are not in here: what was to be linked or copied and is not there, and what is neither
    /// file, directory nor link.
    pub fn left_out(&self) -> &[PathBuf] {
        &self.parts.left_out
    }

    /// What the tool has made here that the layout does not describe, sorted: the layout is for another version of the tool.
    ///
    /// # Errors
    ///
    /// When the list would not be complete.
    pub fn strangers(&self) -> Result<Vec<PathBuf>, Error> {
        let path = self.path();
        let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|e| Error::io("cannot list", path, e))?;
        let names = entries.iter().map(|entry| PathBuf::from(entry.file_name()));
        let mut found: Vec<_> = names.filter(|n| !self.parts.layout.knows(n)).collect();
        found.sort();
        Ok(found)
    }

    /// Removes it: undone is what the tool did to a pin outside, then the directory is renamed aside and deleted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotRemoved`](crate::ErrorKind::NotRemoved) with each obstacle: all else is gone, and what is left is among
    /// [`Root::leftovers`](crate::Root::leftovers).
    pub fn close(mut self) -> Result<(), Error> {
        let done = self.end();
        self.builder = 0;
        done
    }

    /// Keeps it for somebody to look at, and answers [`StateDir::path`]. It is then in nobody's care.
    pub fn leave(mut self) -> PathBuf {
        self.builder = 0;
        mem::take(&mut self.parts.tree)
    }

    fn end(&self) -> Result<(), Error> {
        let restored = match self.pin() {
            Some(pin) if !pin.path().starts_with(self.path()) => pin.restore().map(drop),
            _ => Ok(()),
        };
        let removed = remove_entry(&self.parts.root, &self.parts.name);
        restored.and(removed)
    }
}

impl Drop for StateDir {
    /// The copy of a fork removes nothing.
    fn drop(&mut self) {
        if self.builder == std::process::id() {
            let _ = self.end();
        }
    }
}
