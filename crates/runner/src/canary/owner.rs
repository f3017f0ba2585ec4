//! Whose a ledger's directory is: one rule file's. Another one would drop what that one knows to be red.
use std::path::{Path, PathBuf};

use runward_canary::keep;
use serde::{Deserialize, Serialize};

use super::ledger::Place;
use super::wrong;
use crate::error::Result;

/// A rule file, as a ledger remembers it. Its title may change, its place may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    schema: u32,
    /// Where it is, as it was named, and absolute.
    rules: PathBuf,
    /// Where it is without symlinks: either of the two may change, where releases or mounts do.
    real: PathBuf,
    title: String,
}

impl Owner {
    /// The rule file of that absolute path.
    pub(super) fn new(rules: &Path, title: &str) -> Self {
        Self {
            schema: 1,
            rules: rules.to_owned(),
            real: rules.canonicalize().unwrap_or_else(|_| rules.to_owned()),
            title: title.to_owned(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.rules == other.rules || self.real == other.real
    }

    /// Refuses a ledger of other rules. Where several hosts share one, it goes by the title alone.
    pub(super) fn check(&self, place: &Place) -> Result<()> {
        match place {
            Place::Directory(folder) => self.agree(folder, known(folder).as_ref()),
            Place::Database(_) => Ok(()),
        }
    }

    /// Takes a ledger that is nobody's, or, if that was asked for, somebody else's.
    pub(super) fn claim(&self, place: &Place, adopt: bool) -> Result<()> {
        let Place::Directory(folder) = place else {
            return Ok(());
        };
        let known = known(folder);
        if !adopt {
            self.agree(folder, known.as_ref())?;
        }
        if known.as_ref() == Some(self) {
            return Ok(());
        }
        let text = serde_json::to_string(self).map_err(wrong)?;
        keep(&path(folder), &text).map_err(wrong)
    }

    fn agree(&self, folder: &Path, known: Option<&Self>) -> Result<()> {
        match known {
            Some(other) if !self.is_same(other) => Err(wrong(format!(
                "the ledger {} belongs to the rules {} ({:?}), and not to {}: name another `[ledger] directory`; \
                 or, if the file was moved, say `runward canary cycle {} --adopt` once, which drops what these rules do not know",
                folder.display(),
                other.rules.display(),
                other.title,
                self.rules.display(),
                self.rules.display(),
            ))),
            _ => Ok(()),
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("rules.json")
}

/// None if nobody has it yet, or nobody can tell.
fn known(folder: &Path) -> Option<Owner> {
    let text = std::fs::read_to_string(path(folder)).ok()?;
    serde_json::from_str(&text).ok()
}
