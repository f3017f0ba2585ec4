//! The cgroups of runs, as a kind of thing to sweep.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runward_cgroup::{Cgroup, ErrorKind, Hierarchy};
use runward_janitor::{Fault, FaultKind, Found, Mark, Permit, Progress, Step, Sweep};
use runward_lock::{LockDir, Name, State};

use crate::identity::is_over;

const PREFIX: &str = "runward-";
const TEARDOWN: &str = ".teardown-";
/// How long the kernel may take to end what it was told to kill.
const PATIENCE: Duration = Duration::from_secs(10);
/// Hierarchies are shallow; whoever nests deeper wants to be hidden.
const DEEPEST: usize = 32;

/// Cgroups that bear the name of a run whose lock file is here: with another directory of locks, they are another's. Of those whose
/// processes were allowed to stay, and are gone now, there is no lock file; they are empty, and nobody can come into them any more.
pub(super) struct Cgroups {
    runs: LockDir,
}

impl Cgroups {
    pub(super) fn of(runs: LockDir) -> Self {
        Self { runs }
    }

    fn is_known(&self, run: &Name) -> Result<bool, Fault> {
        let state = self.runs.peek(run).map_err(|e| failed(&e))?;
        Ok(!matches!(state, State::Absent))
    }

    /// A deserted one gets another name than its run: to take the lock of that would make it known.
    fn found(&self, path: &Path) -> Result<Option<Found>, Fault> {
        let run = path.file_name().and_then(|name| run_of(name.to_str()?));
        let Some(run) = run else { return Ok(None) };
        let owner = if self.is_known(&run)? {
            run
        } else if is_deserted(path, &run) {
            Name::slug(format!("deserted-{run}"))
        } else {
            return Ok(None);
        };
        Ok(Some(Found::new(owner, path.to_string_lossy(), Mark::Ours)))
    }
}

/// Of a run that is over. The room of a teardown is made by whoever finishes a run, before anybody is in it, so it is not judged.
fn is_deserted(path: &Path, run: &Name) -> bool {
    let room = path.to_string_lossy().contains(TEARDOWN);
    let empty = Cgroup::open(path).and_then(|cgroup| cgroup.populated());
    !room && is_over(run.as_str()) && matches!(empty, Ok(false))
}

impl Sweep for Cgroups {
    fn kind(&self) -> &str {
        "cgroup"
    }

    /// The whole hierarchy: a run may have been started in any corner of it.
    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let Ok(hierarchy) = Hierarchy::find() else {
            return Ok(Vec::new());
        };
        let mut paths = Vec::new();
        collect(hierarchy.mount(), DEEPEST, &mut paths)
            .map_err(|e| Fault::io("cannot list the cgroups below", hierarchy.mount(), &e))?;
        let found = paths.iter().map(|path| self.found(path));
        found.filter_map(Result::transpose).collect()
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        vec![Step::new("kill"), Step::new("remove")]
    }

    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        permit.check()?;
        let path = Path::new(found.id());
        let cgroup = match Cgroup::open(path) {
            Err(e) if e.kind() == ErrorKind::Gone => return Ok(Progress::Done),
            cgroup => cgroup.map_err(|e| failed(&e))?,
        };
        if step.as_str() == "kill" {
            return kill(&cgroup, permit);
        }
        remove(path).map_err(|e| Fault::io("cannot remove the cgroup", path, &e))?;
        Ok(Progress::Done)
    }
}

fn kill(cgroup: &Cgroup, permit: &Permit<'_>) -> Result<Progress, Fault> {
    cgroup.kill().map_err(|e| failed(&e))?;
    let left = permit.deadline().map(|end| end - Instant::now());
    let patience = left.map_or(PATIENCE, |left| left.min(PATIENCE));
    if cgroup.wait_empty(patience).map_err(|e| failed(&e))? {
        return Ok(Progress::Done);
    }
    let alive = cgroup.processes().map_err(|e| failed(&e))?;
    Ok(Progress::Again(format!(
        "killed, and still there: {alive:?}"
    )))
}

/// With those that the work made below it.
fn remove(path: &Path) -> io::Result<()> {
    let mut paths = Vec::new();
    below(path, DEEPEST, &mut paths)?;
    let deepest_first = paths.iter().rev().map(PathBuf::as_path);
    deepest_first
        .chain([path])
        .try_for_each(|path| present(fs::remove_dir(path)).map(drop))
}

fn collect(path: &Path, depth: usize, into: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut all = Vec::new();
    below(path, depth, &mut all)?;
    into.extend(all.into_iter().filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX))
    }));
    Ok(())
}

/// The directories below, a parent before its children. One that goes away meanwhile is none.
fn below(path: &Path, depth: usize, into: &mut Vec<PathBuf>) -> io::Result<()> {
    let Some(entries) = present(fs::read_dir(path))? else {
        return Ok(());
    };
    for entry in entries {
        let Some(entry) = present(entry)? else { break };
        let is_dir = present(entry.file_type())?.is_some_and(|kind| kind.is_dir());
        if is_dir && depth > 0 {
            into.push(entry.path());
            below(&entry.path(), depth - 1, into)?;
        }
    }
    Ok(())
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound || e.raw_os_error() == Some(GONE) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What a file of a removed cgroup answers: ENODEV.
const GONE: i32 = rustix::io::Errno::NODEV.raw_os_error();

/// `runward-KEY`, with a number where the name was taken, and for the room of a teardown.
fn run_of(cgroup: &str) -> Option<Name> {
    let name = cgroup.strip_prefix(PREFIX)?;
    let name = name.rsplit_once(TEARDOWN).map_or(name, |(name, _)| name);
    let numbered = name.rsplit_once('.');
    let name = match numbered {
        Some((key, number)) if number.bytes().all(|b| b.is_ascii_digit()) => key,
        _ => name,
    };
    Name::new(name).ok()
}

fn failed(error: &impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Other, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::run_of;

    #[test]
    fn a_cgroup_names_its_run() {
        for cgroup in [
            "runward-r-1.67bbac7f-14-63",
            "runward-r-1.67bbac7f-14-63.2",
            "runward-r-1.67bbac7f-14-63.teardown-0",
            "runward-r-1.67bbac7f-14-63.2.teardown-11",
        ] {
            assert_eq!(run_of(cgroup).unwrap().as_str(), "r-1.67bbac7f-14-63");
        }
        assert!(run_of("system.slice").is_none());
        assert!(run_of("runward-").is_none());
    }
}
