//! Runs whose owner and guardian were both killed, as a kind of thing to sweep: to reap one is to finish it.
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use runward_janitor::{Fault, FaultKind, Found, Mark, Permit, Progress, Protect, Step, Sweep};
use runward_lifetime::Unfinished;
use runward_lock::{Guard, LockDir, Name, Request, Wait, quiet};

use super::living::spare;
use crate::places::Directories;
use crate::run::own::fitting;
use crate::run::{apps_of, predecessor};
use crate::terminal;

const SUFFIX: &str = ".journal";
/// After a power cut, or by somebody's hand.
const UNREADABLE: &str =
    "its journal cannot be read: teardowns that it may have had are not known, and are not run";

/// Each journal of the home is a run that has not been finished.
pub(super) struct Runs(pub(super) Directories);

impl Runs {
    fn journal(&self, found: &Found) -> PathBuf {
        self.0.journal(found.id())
    }

    fn look(&self, found: &Found) -> Result<Option<Unfinished>, Fault> {
        Unfinished::look(&self.journal(found)).map_err(other)
    }

    /// A teardown touches what the run owned, so whoever runs it owns that now.
    fn own(&self, run: &Unfinished) -> Result<Vec<Guard>, Fault> {
        let names: Vec<Name> = apps_of(run.note());
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let what = fitting(&format!("finishing for run {}", run.run_id()));
        let request = Request::new().what(what).wait(Wait::Never);
        LockDir::open(&self.0.locks)
            .and_then(|locks| locks.acquire_all(&names, &request, &mut quiet))
            .map_err(|e| Fault::new(FaultKind::Refused, e.to_string()))
    }
}

impl Sweep for Runs {
    fn kind(&self) -> &str {
        "run"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let path = self.0.runs();
        let entries = match fs::read_dir(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| Fault::io("cannot list", &path, &e))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| Fault::io("cannot list", &path, &e))?;
            let file = entry.file_name();
            let key = file.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            all.extend(key.and_then(|key| Some(Found::new(Name::new(key).ok()?, key, Mark::Ours))));
        }
        Ok(all)
    }

    /// A journal has a lock of its own: while somebody has it, nothing of the run is touched, least of all the cgroup of a teardown.
    fn examine(&self, found: Found) -> Result<Found, Fault> {
        Ok(match self.look(&found)? {
            Some(run) if run.run_id().is_empty() => found.detail(UNREADABLE.to_owned()),
            Some(run) => {
                let key = found.id().to_owned();
                spare(found.detail(format!("run {}", run.run_id())), &key)
            }
            None => found.protected(Protect::always(
                "whoever has its journal: it lives under another directory of locks, or somebody is finishing it",
            )),
        })
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        vec![Step::new("finish")]
    }

    fn reap(&self, found: &Found, _: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        permit.check()?;
        let Some(run) = self.look(found)? else {
            return Ok(match is_being_kept(&self.journal(found))? {
                true => Progress::Again("somebody else is finishing it".into()),
                false => Progress::Done,
            });
        };
        if run.run_id().is_empty() {
            terminal::say(format_args!("run {}: {UNREADABLE}", found.id()));
        }
        let guards = self.own(&run)?;
        predecessor::finish_journal(&self.journal(found)).map_err(other)?;
        for mut guard in guards {
            guard.settle("").map_err(other)?;
            drop(guard.close());
        }
        Ok(Progress::Done)
    }
}

pub(super) fn other(error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Other, error.to_string())
}

/// Whether a journal is there and somebody has it: its run, or who finishes it.
pub(super) fn is_being_kept(journal: &Path) -> Result<bool, Fault> {
    let unowned = Unfinished::look(journal).map_err(other)?;
    Ok(unowned.is_none() && journal.exists())
}
