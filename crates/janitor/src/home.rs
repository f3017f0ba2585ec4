use std::collections::HashSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use runward_lock::Name;

use crate::plan::{Plan, Row};
use crate::{Error, Reason};

/// The directory where journal and audit are: nobody else may write there, since what it says is believed.
#[derive(Clone, Debug)]
pub(crate) struct Home(PathBuf);

const PARTS: [&str; 2] = ["journal", "warned"];

impl Home {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn audit(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join(PARTS[0])
    }

    /// Makes it if it is missing, and refuses it if others may write to it.
    pub(crate) fn make(&self) -> Result<(), Error> {
        create(&self.0, true)?;
        check_private(&self.0)?;
        PARTS
            .iter()
            .try_for_each(|part| create(&self.0.join(part), false))
    }

    /// Whether a warning about the name is due again. A plan only asks.
    pub(crate) fn is_due(&self, name: &Name, every: Duration) -> bool {
        let last = fs::symlink_metadata(self.warned(name.as_str())).and_then(|m| m.modified());
        let age = last
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        age.is_none_or(|age| age >= every)
    }

    /// Remembers about which names somebody was warned, and forgets those that nobody holds any more.
    pub(crate) fn remember_warnings(&self, plan: &Plan, warned: &[&str]) -> Result<(), Error> {
        for name in warned {
            let path = self.warned(name);
            fs::write(&path, b"").map_err(|e| Error::home("cannot write", &path, e))?;
        }
        let is_held = |row: &&Row| matches!(row.reason, Reason::Held(_) | Reason::KeptAlive(_));
        let held = plan.rows.iter().filter(is_held);
        let held: HashSet<&str> = held.map(|row| row.name.as_str()).collect();
        let entries = fs::read_dir(self.0.join(PARTS[1])).into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name();
            if !name.to_str().is_some_and(|name| held.contains(name)) {
                // One that stays keeps quiet about a later holder for at most a period.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn warned(&self, name: &str) -> PathBuf {
        self.0.join(PARTS[1]).join(name)
    }
}

fn create(path: &Path, recursive: bool) -> Result<(), Error> {
    match DirBuilder::new()
        .mode(0o700)
        .recursive(recursive)
        .create(path)
    {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::home("cannot create directory", path, e))
        }
        _ => Ok(()),
    }
}

fn check_private(path: &Path) -> Result<(), Error> {
    let stat = fs::symlink_metadata(path).map_err(|e| Error::home("cannot stat", path, e))?;
    let own = rustix::process::geteuid().as_raw();
    let why = match () {
        () if !stat.is_dir() => "is no directory, or a symbolic link to one; name another path",
        () if stat.uid() != own && stat.uid() != 0 => "belongs to another user; name your own",
        () if stat.mode() & 0o022 != 0 => "can be written to by others; chmod it to 700",
        () => return Ok(()),
    };
    let message = format!("directory {} for journal and audit {why}", path.display());
    Err(Error::new(crate::ErrorKind::Home, message))
}
