//! State directories, as a kind of thing to sweep.
use std::collections::HashMap;

use runward_abradir::{Doomed, Entry, Root};
use runward_janitor::{Fault, FaultKind, Found, Mark, Permit, Progress, Protect, Step, Sweep};
use runward_lock::{LockDir, Name};

use super::living::spare;
use super::runs::is_being_kept;
use crate::places::Directories;
use crate::run::state;

/// Each state directory was built for a run; the file in it says for which.
pub(super) struct States {
    pub(super) directories: Directories,
    pub(super) runs: LockDir,
}

impl States {
    fn open(&self) -> Result<Option<Root>, Fault> {
        // None was ever made.
        if self.directories.states().symlink_metadata().is_err() {
            return Ok(None);
        }
        Root::open(self.directories.states(), &Doomed::new())
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

    /// Its name tells in most cases, so that few files are read. One whose run has no lock file gets a name of its own: to take the
    /// lock of the run would make the run known to the other sweeps.
    fn owner(&self, entry: &Entry) -> Name {
        let runs = self.0.get(entry.label()).map_or(&[][..], Vec::as_slice);
        if let [run] = runs {
            return run.clone();
        }
        let said = entry.owner().map(|owner| Name::slug(owner.run_id()));
        let known = said.filter(|run| runs.contains(run));
        known.unwrap_or_else(|| Name::slug(format!("state-{}", entry.name())))
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

    /// Whoever has the journal of its run lives, with other locks or without their directory.
    fn examine(&self, found: Found) -> Result<Found, Fault> {
        let Some(root) = self.open()? else {
            return Ok(found);
        };
        // What a file says reaches a path only as a name.
        let run = root.owner(found.id());
        let Some(run) = run.and_then(|owner| Name::new(owner.run_id()).ok()) else {
            // Its name begins with that of its run, and ends with what tells it from others.
            let (name, _) = found.id().rsplit_once('.').unwrap_or_default();
            let name = name.to_owned();
            return Ok(spare(found, &name));
        };
        // It has no journal yet while it is being built.
        let found = spare(found, run.as_str());
        Ok(
            match is_being_kept(&self.directories.journal(run.as_str()))? {
                true => found.protected(Protect::always("whoever has the journal of its run")),
                false => found,
            },
        )
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
