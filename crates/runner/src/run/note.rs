use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use runward_lifetime::Leaks;
use rustix::fs::MemfdFlags;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use crate::error::{Error, Kind, Result};
use crate::record::{App, Target};

/// What is known of a run besides its outcome, and needed for its record: by the guardian, by the owner whose
/// guardian died, and from the journal by a later run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Note {
    pub(crate) argv: Vec<String>,
    pub(crate) apps: Vec<App>,
    pub(crate) result: Option<Target>,
    /// To be removed when all is done.
    #[serde(default)]
    pub(crate) state: Option<PathBuf>,
    /// To be sealed when all is done.
    #[serde(default)]
    pub(crate) evidence: Option<Evidence>,
    pub(crate) leaks_fail: bool,
    pub(crate) started: bool,
    pub(crate) busy: bool,
}

/// Where the owner leaves the note for the guardian, which was forked before the locks were taken, and the guardian its finding for the owner.
#[derive(Debug)]
pub(crate) struct Desk(File);

impl Desk {
    pub(crate) fn new() -> Result<Self> {
        let made = rustix::fs::memfd_create(c"runward-note", MemfdFlags::CLOEXEC);
        let file =
            made.map_err(|e| Error::new(Kind::System, format!("cannot make a memory file: {e}")))?;
        Ok(Self(file.into()))
    }

    /// Shared with a fork as well as with a clone.
    pub(crate) fn try_clone(&self) -> Result<Self> {
        let file = self.0.try_clone();
        file.map(Self)
            .map_err(|e| Error::new(Kind::System, format!("cannot share a memory file: {e}")))
    }

    pub(crate) fn put(&self, note: &str) {
        // Memory that cannot be had is told by what reads it back.
        let _ = self
            .0
            .set_len(0)
            .and_then(|()| self.0.write_all_at(note.as_bytes(), 0));
    }

    pub(crate) fn get<T: DeserializeOwned>(&self) -> Option<T> {
        let size = usize::try_from(self.0.metadata().ok()?.len()).ok()?;
        let mut text = vec![0; size];
        self.0.read_exact_at(&mut text, 0).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl Note {
    /// The policy, as far as the exit code depends on it.
    pub(crate) fn leaks(&self) -> Leaks {
        if self.leaks_fail {
            Leaks::Fail
        } else {
            Leaks::Warn
        }
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_is_the_one_that_is_read() {
        let desk = Desk::new().unwrap();
        assert!(desk.get::<Note>().is_none());
        let mut note = Note {
            argv: vec!["a long word".into()],
            apps: vec![],
            result: None,
            state: None,
            evidence: None,
            leaks_fail: true,
            started: false,
            busy: false,
        };
        desk.put(&note.to_text());
        note.argv.clear();
        note.started = true;
        desk.try_clone().unwrap().put(&note.to_text());
        let read: Note = desk.get().unwrap();
        assert!(read.started && read.leaks_fail && read.argv.is_empty());
    }
}
