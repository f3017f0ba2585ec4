//! Runs that live, whatever has become of their lock files: those can be deleted, replaced or put back from a copy, and then nobody
//! holds what is found at their path. What is known here spares something; it never gives a reason to reap.
use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs;

use runward_janitor::{Fault, Found, Protect};
use runward_lifetime::Unfinished;
use runward_lock::Name;

use super::runs::other;
use crate::identity::is_of_a_living_process;
use crate::places::Directories;
use crate::run::apps_of;

/// Whatever belongs to a run by its name is spared as long as its owner lives.
pub(super) fn spare(found: Found, run: &str) -> Found {
    match is_of_a_living_process(run) {
        true => found.protected(Protect::always(
            "its run, which lives: its lock file was taken away or replaced",
        )),
        false => found,
    }
}

/// The apps of runs whose journal somebody has.
pub(super) struct Owned {
    directories: Directories,
    apps: OnceCell<HashSet<Name>>,
}

impl Owned {
    pub(super) fn new(directories: Directories) -> Self {
        let apps = OnceCell::new();
        Self { directories, apps }
    }

    pub(super) fn spare(&self, found: Found) -> Result<Found, Fault> {
        let apps = match self.apps.get() {
            Some(apps) => apps,
            None => {
                let read = self.read()?;
                self.apps.get_or_init(|| read)
            }
        };
        Ok(match apps.contains(found.owner()) {
            true => found.protected(Protect::always(
                "a run that owns it and lives, or is being finished: its lock file was taken away or replaced",
            )),
            false => found,
        })
    }

    fn read(&self) -> Result<HashSet<Name>, Fault> {
        let mut apps = HashSet::new();
        for entry in fs::read_dir(self.directories.runs()).into_iter().flatten() {
            let path = entry.map_err(other)?.path();
            if path.extension().is_some_and(|end| end == "journal") {
                let note = Unfinished::note_while_kept(&path).map_err(other)?;
                apps.extend(note.iter().flat_map(|note| apps_of(note)));
            }
        }
        Ok(apps)
    }
}
