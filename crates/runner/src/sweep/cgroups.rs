//! The cgroups of runs, as a kind of thing to sweep.
use std::path::Path;
use std::time::{Duration, Instant};

use runward_cgroup::{Cgroup, ErrorKind, Hierarchy};
use runward_janitor::{Fault, FaultKind, Found, Mark, Permit, Progress, Protect, Step, Sweep};
use runward_lock::{LockDir, Name};

use super::living::spare;

const PREFIX: &str = "runward-";
const TEARDOWN: &str = ".teardown-";
/// How long the kernel may take to end what it was told to kill.
const PATIENCE: Duration = Duration::from_secs(10);

/// Cgroups that bear the name of a run whose lock file is here: with another directory of locks, they are another's.
pub(super) struct Cgroups(pub(super) LockDir);

impl Cgroups {
    fn has_dead_runs(&self) -> Result<bool, Fault> {
        let locks = self.0.list().map_err(|e| failed(&e))?;
        let mut free = locks.iter().filter(|lock| !lock.state().is_held());
        Ok(free.any(|lock| {
            let record = self.0.record(lock.name()).ok().flatten();
            record.is_some_and(|record| !record.released())
        }))
    }

    /// A run that released its lock and left the file has left processes that were allowed to stay, or that even a SIGKILL did not end.
    fn found(&self, path: &Path) -> Result<Option<Found>, Fault> {
        let run = path.file_name().and_then(|name| run_of(name.to_str()?));
        let Some(run) = run else { return Ok(None) };
        let Some(record) = self.0.record(&run).map_err(|e| failed(&e))? else {
            return Ok(None);
        };
        let key = run.as_str().to_owned();
        let found = Found::new(run, path.to_string_lossy(), Mark::Ours);
        if !record.released() {
            return Ok(Some(spare(found, &key)));
        }
        Ok(Some(match is_populated(path) {
            true => found.protected(Protect::always(
                "who is still in it: allowed to stay, or killed and not dead yet",
            )),
            false => found,
        }))
    }
}

fn is_populated(path: &Path) -> bool {
    let populated = Cgroup::open(path).and_then(|cgroup| cgroup.populated());
    populated.unwrap_or(true)
}

impl Sweep for Cgroups {
    fn kind(&self) -> &str {
        "cgroup"
    }

    /// The whole hierarchy: a run may have been started in any corner of it.
    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let hierarchy = match Hierarchy::find() {
            Ok(hierarchy) => hierarchy,
            // A sweep from a corner where cgroups are out of sight must not take those of dead runs for gone.
            Err(e) if self.has_dead_runs()? => return Err(failed(&e)),
            Err(_) => return Ok(Vec::new()),
        };
        let paths = hierarchy.named(PREFIX).map_err(|e| failed(&e))?;
        let found = paths.iter().map(|path| self.found(path));
        found.filter_map(Result::transpose).collect()
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        vec![Step::new("kill"), Step::new("remove")]
    }

    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        permit.check()?;
        let cgroup = match Cgroup::open(Path::new(found.id())) {
            Err(e) if e.kind() == ErrorKind::Gone => return Ok(Progress::Done),
            cgroup => cgroup.map_err(|e| failed(&e))?,
        };
        if step.as_str() == "kill" {
            return kill(&cgroup, permit);
        }
        cgroup.remove().map_err(|e| failed(&e))?;
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

/// `runward-KEY`, with a number where the name was taken, and for the room of a teardown.
pub(crate) fn run_of(cgroup: &str) -> Option<Name> {
    let name = cgroup.strip_prefix(PREFIX)?;
    let name = without_number(name, TEARDOWN);
    Name::new(without_number(name, ".")).ok()
}

/// A run id may hold whatever we add to one; what follows in a key is never a number alone.
fn without_number<'a>(name: &'a str, before: &str) -> &'a str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name.rsplit_once(before) {
        Some((rest, number)) if is_number(number) => rest,
        _ => name,
    }
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
        for key in ["x.teardown-0.67bbac7f-14-63", "x.7.67bbac7f-14-63"] {
            let room = format!("runward-{key}.3.teardown-1");
            assert_eq!(run_of(&room).unwrap().as_str(), key);
            assert_eq!(run_of(&format!("runward-{key}")).unwrap().as_str(), key);
        }
        assert!(run_of("system.slice").is_none());
        assert!(run_of("runward-").is_none());
    }
}
