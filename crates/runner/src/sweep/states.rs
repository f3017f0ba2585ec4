//! State directories, as a kind of thing to sweep.
use std::path::PathBuf;

use runward_abradir::{Doomed, Entry, Root};
use runward_janitor::{Fault, FaultKind, Found, Mark, Permit, Progress, Step, Sweep};
use runward_lock::{LockDir, Name};

use crate::run::state;

/// Each state directory was built for a run; the file in it says for which.
pub(super) struct States {
    pub(super) root: PathBuf,
    pub(super) runs: LockDir,
}

impl States {
    fn open(&self) -> Result<Option<Root>, Fault> {
        // None was ever made.
        if self.root.symlink_metadata().is_err() {
            return Ok(None);
        }
        Root::open(&self.root, &Doomed::new())
            .map(Some)
            .map_err(other)
    }

    /// One that was killed before it could say whose it is belongs to a run that still has its lock file, or to nobody.
    fn owner(&self, entry: &Entry, runs: &[Name]) -> Name {
        let said = entry.owner().map(|owner| owner.run_id().to_owned());
        let silent = || {
            runs.iter()
                .find(|run| entry.may_be_of(run.as_str()))
                .cloned()
        };
        let said = said.map(Name::slug);
        said.or_else(silent)
            .unwrap_or_else(|| Name::slug(entry.name()))
    }
}

impl Sweep for States {
    fn kind(&self) -> &str {
        "state"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let Some(root) = self.open()? else {
            return Ok(Vec::new());
        };
        // First: a run has its lock before it builds, so whoever built one of these and lives is among the locks.
        let entries = root.list().map_err(other)?;
        let runs = self.runs.list().map_err(other)?;
        let runs: Vec<Name> = runs.iter().map(|lock| lock.name().clone()).collect();
        let found = entries
            .iter()
            .map(|entry| Found::new(self.owner(entry, &runs), entry.name(), Mark::Ours));
        Ok(found.collect())
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        vec![Step::new("remove")]
    }

    fn reap(&self, found: &Found, _: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        permit.check()?;
        if let Some(root) = self.open()? {
            state::remove_from(&root, found.id()).map_err(other)?;
        }
        Ok(Progress::Done)
    }
}

fn other(error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Other, error.to_string())
}
