use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use runward_lock::Name;
use rustix::fs::statvfs;
use rustix::io::Errno;

use crate::{Fault, Found, Headroom, Mark, Permit, Progress, Protect, Step, Sweep};

/// What an entry is called while it is removed. Nothing that has this before its name is taken for a run's.
const ASIDE: &str = ".reaped.";

type Owner<'a> = dyn Fn(&str) -> Option<Name> + 'a;
type Judge<'a, T> = dyn Fn(&Path) -> T + 'a;
type Remove<'a> = dyn Fn(&Path, &Permit<'_>) -> Result<Progress, Fault> + 'a;

/// The sweep of the directories in one directory, each of which belongs to the run that its name tells.
///
/// Unless told otherwise a directory is renamed first and then removed with all that is in it, so that nobody finds half of it.
/// Cgroups are directories too: give it a way to [remove](Directories::remove_with) them.
#[must_use = "a sweep does nothing until a janitor gets it"]
pub struct Directories<'a> {
    kind: String,
    path: PathBuf,
    owner: Box<Owner<'a>>,
    mark: Option<Box<Judge<'a, Mark>>>,
    protect: Option<Box<Judge<'a, Option<Protect>>>>,
    remove: Option<Box<Remove<'a>>>,
}

impl<'a> Directories<'a> {
    /// The directories in `path`. `owner` tells from the name of one which lock its run held; those that it knows nothing of are kept.
    pub fn new(
        kind: impl Into<String>,
        path: impl Into<PathBuf>,
        owner: impl Fn(&str) -> Option<Name> + 'a,
    ) -> Self {
        Self {
            kind: kind.into(),
            path: path.into(),
            owner: Box::new(owner),
            mark: None,
            protect: None,
            remove: None,
        }
    }

    /// Asks of a directory whether it bears the mark of ownership, beyond its name. Asked only for what would be reaped.
    pub fn mark(mut self, mark: impl Fn(&Path) -> Mark + 'a) -> Self {
        self.mark = Some(Box::new(mark));
        self
    }

    /// Asks of a directory whether something protects it. Asked only for what would be reaped.
    pub fn protect(mut self, protect: impl Fn(&Path) -> Option<Protect> + 'a) -> Self {
        self.protect = Some(Box::new(protect));
        self
    }

    /// Removes a directory in another way: in one step `remove`, which is done when the directory is gone.
    pub fn remove_with(
        mut self,
        remove: impl Fn(&Path, &Permit<'_>) -> Result<Progress, Fault> + 'a,
    ) -> Self {
        self.remove = Some(Box::new(remove));
        self
    }

    /// What is aside already belongs to whom it belonged before.
    fn found(&self, entry: &str) -> Found {
        let original = entry.strip_prefix(ASIDE).unwrap_or(entry);
        match (self.owner)(original) {
            Some(owner) => Found::new(owner, original, Mark::Ours),
            None => {
                let missing = Mark::Missing("its name is not that of a run's directory".into());
                Found::new(Name::slug(entry), entry, missing)
            }
        }
    }

    fn list(&self) -> io::Result<Vec<Found>> {
        let (mut all, mut aside) = (Vec::new(), false);
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // What is no text, no directory, or a link to one was not made by a run.
            if entry.file_type()?.is_dir() {
                let name = entry.file_name();
                aside |= name.as_encoded_bytes().starts_with(ASIDE.as_bytes());
                all.extend(name.to_str().map(|name| self.found(name)));
            }
        }
        if aside {
            // One that is aside, and a new one in its place, are one object.
            all.sort_unstable_by(|a, b| a.id().cmp(b.id()));
            all.dedup_by(|a, b| a.id() == b.id());
        }
        Ok(all)
    }

    fn aside(&self, id: &str) -> PathBuf {
        self.path.join(format!("{ASIDE}{id}"))
    }

    /// Where the directory is now: aside, if a janitor was killed at it.
    fn place(&self, id: &str) -> PathBuf {
        let path = self.path.join(id);
        if path.symlink_metadata().is_ok() {
            path
        } else {
            self.aside(id)
        }
    }

    fn set_aside(&self, id: &str) -> Result<(), Fault> {
        let (from, to) = (self.path.join(id), self.aside(id));
        match fs::rename(&from, &to) {
            Err(e) if is_in_the_way(&e) => {
                remove_all(&to)?;
                fs::rename(&from, &to).or_else(gone)
            }
            renamed => renamed.or_else(gone),
        }
        .map_err(|e| Fault::io("cannot rename", &from, &e))
    }

    fn take(&self, id: &str, step: &str, permit: &Permit<'_>) -> Result<Progress, Fault> {
        permit.check()?;
        match (step, &self.remove) {
            ("remove", Some(remove)) => return remove(&self.path.join(id), permit),
            ("aside", _) => self.set_aside(id)?,
            _ => {
                remove_all(&self.aside(id))?;
                remove_all(&self.path.join(id))?;
            }
        }
        Ok(Progress::Done)
    }
}

fn is_in_the_way(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
    )
}

/// A name that is too long to be set aside is not there either: that directory is removed where it is.
fn gone(error: io::Error) -> io::Result<()> {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NAMETOOLONG) => Ok(()),
        _ => Err(error),
    }
}

fn remove_all(path: &Path) -> Result<(), Fault> {
    let removed = fs::remove_dir_all(path).or_else(gone);
    removed.map_err(|e| Fault::io("cannot remove", path, &e))
}

impl Sweep for Directories<'_> {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let all = match self.list() {
            // None was ever made.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Fault::io("cannot list", &self.path, &e)),
            Ok(all) => all,
        };
        Ok(all)
    }

    fn examine(&self, found: Found) -> Result<Found, Fault> {
        let path = self.place(found.id());
        let metadata = match path.symlink_metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(e) => return Err(Fault::io("cannot look at", &path, &e)),
            Ok(metadata) => metadata,
        };
        // One that is aside was judged before, and its marks may be removed already.
        let judged = path != self.path.join(found.id());
        let mark = self.mark.as_ref().filter(|_| !judged);
        let protect = self.protect.as_ref().filter(|_| !judged);
        let mut found = match mark {
            Some(mark) => found.marked(mark(&path)),
            None => found,
        };
        if let Some(protect) = protect.and_then(|protect| protect(&path)) {
            found = found.protected(protect);
        }
        Ok(found.since(metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        let words: &[_] = match self.remove {
            Some(_) => &["remove"],
            None => &["aside", "remove"],
        };
        words.iter().map(|word| Step::new(*word)).collect()
    }

    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        self.take(found.id(), step.as_str(), permit)
    }

    /// The disk: full directories fail runs long before anybody looks.
    fn headroom(&self) -> Result<Vec<Headroom>, Fault> {
        match statvfs(&self.path) {
            Ok(stat) if stat.f_blocks > 0 => {
                let used = stat.f_blocks.saturating_sub(stat.f_bavail);
                let mib = |blocks: u64| blocks.saturating_mul(stat.f_frsize) >> 20;
                let what = format!("MiB under {}", self.path.display());
                Ok(vec![Headroom::new(
                    what,
                    mib(used),
                    mib(stat.f_blocks).max(1),
                )])
            }
            Ok(_) | Err(Errno::NOENT) => Ok(Vec::new()),
            Err(e) => Err(Fault::io(
                "cannot tell the room under",
                &self.path,
                &e.into(),
            )),
        }
    }
}
