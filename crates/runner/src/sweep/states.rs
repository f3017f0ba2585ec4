//! State directories, as a kind of thing to sweep.
use std::collections::HashMap;
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
}

/// Runs that still have their lock file, by what the name of a state directory keeps of them.
struct Runs(HashMap<String, Vec<Name>>);

impl Runs {
    fn of(locks: &LockDir) -> Result<Self, Fault> {
        let mut runs: HashMap<String, Vec<Name>> = HashMap::new();
        for lock in locks.list().map_err(other)? {
            let label = Entry::label_of(lock.name().as_str());
            runs.entry(label).or_default().push(lock.name().clone());
        }
        Ok(Self(runs))
    }

    /// Its name tells in most cases, so that few files are read. One that was killed before it could say whose it is belongs to a
    /// run that still has its lock file, or to nobody.
    fn owner(&self, entry: &Entry) -> Name {
        let runs = self.0.get(entry.label()).map_or(&[][..], Vec::as_slice);
        if let [run] = runs {
            return run.clone();
        }
        let said = entry.owner().map(|owner| Name::slug(owner.run_id()));
        said.or_else(|| runs.first().cloned())
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
        let runs = Runs::of(&self.runs)?;
        let found = entries
            .iter()
            .map(|entry| Found::new(runs.owner(entry), entry.name(), Mark::Ours));
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
