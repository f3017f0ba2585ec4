//! Where state directories may lie. All of it is asked before anything is made there.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::error::Shown;
use crate::{Error, ErrorKind};

/// Directories that somebody else deletes while a run may still clean up: no state lies below them.
///
/// Which they are, the caller knows: a CI's workspace, a `$HOME` that a CI made up.
#[derive(Clone, Debug, Default)]
pub struct Doomed(Vec<(PathBuf, String)>);

impl Doomed {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory, and what to call it in a message: `the CI's workspace ($DRONE_WORKSPACE)`.
    #[must_use]
    pub fn below(mut self, directory: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        self.0.push((directory.into(), what.into()));
        self
    }

    fn check(&self, path: &Path) -> Result<(), Error> {
        let real = resolved(path);
        let found = self
            .0
            .iter()
            .find(|(doomed, _)| real.starts_with(resolved(doomed)));
        match found {
            None => Ok(()),
            Some((doomed, what)) => Err(Error::new(
                ErrorKind::Doomed,
                format!(
                    "the place for state directories {} lies below {}, {what}, which may be deleted while a run still cleans up; \
                     name a place outside",
                    Shown(path),
                    Shown(doomed)
                ),
            )),
        }
    }
}

/// Opens the place, made private if it is missing, after all checks.
pub(crate) fn open(path: &Path, doomed: &Doomed) -> Result<OwnedFd, Error> {
    if path.components().any(|c| c == Component::ParentDir) {
        return Err(not_private(path, "has `..` in it", "name it without"));
    }
    doomed.check(path)?;
    refuse_link(path.parent().unwrap_or(path))?;
    refuse_link(path)?;
    check_owners(path)?;
    let mut maker = DirBuilder::new();
    let made = maker.recursive(true).mode(0o700).create(path);
    made.map_err(|e| Error::io("cannot create the place for state directories", path, e))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
        .map_err(|e| Error::io("cannot open the place for state directories", path, e))
}

fn not_private(path: &Path, why: &str, remedy: &str) -> Error {
    let message = format!(
        "the place for state directories {} {why}; {remedy}",
        Shown(path)
    );
    Error::new(ErrorKind::NotPrivate, message)
}

fn refuse_link(path: &Path) -> Result<(), Error> {
    if !path.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
        return Ok(());
    }
    let real = resolved(path);
    let message = format!(
        "{} is a symbolic link, which may be turned elsewhere; name {} itself",
        Shown(path),
        Shown(&real)
    );
    Err(Error::new(ErrorKind::Symlink, message))
}

/// Nobody but this user and root can replace any part of the path, as far as it exists.
fn check_owners(path: &Path) -> Result<(), Error> {
    let real = resolved(path);
    real.ancestors()
        .try_for_each(|part| check_owner(part, part == real))
}

fn check_owner(part: &Path, is_last: bool) -> Result<(), Error> {
    let found = match fs::symlink_metadata(part) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|e| Error::io("cannot look at", part, e))?,
    };
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user && found.uid() != 0 {
        let why = format!("belongs to user {}", found.uid());
        return Err(not_private(part, &why, "name a directory of your own"));
    }
    // In a sticky directory, nobody renames what is another's.
    let sticky = found.mode() & 0o1000 != 0 && !is_last;
    if found.mode() & 0o022 != 0 && !sticky {
        let why = format!(
            "can be written to by others (mode {:o})",
            found.mode() & 0o7777
        );
        return Err(not_private(part, &why, "chmod go-w it, or name another"));
    }
    Ok(())
}

/// `path` without symbolic links, as far as it exists.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    for at in path.ancestors() {
        if let Ok(mut real) = at.canonicalize() {
            real.extend(missing.iter().rev());
            return real;
        }
        missing.extend(at.file_name());
    }
    path.to_owned()
}
