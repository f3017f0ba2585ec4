use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Dir, FileType};
use rustix::io::Errno;

use crate::entry::{self, REMOVING};
use crate::error::Shown;
use crate::{Doomed, Entry, Error, ErrorKind, Pin, Prepared, Request, Stage, StateDir};
use crate::{pin, place, remove, sync};

/// The file in a state directory that says who built it.
pub(crate) const OWNER: &str = "owner";
/// The file in a state directory that keeps a pin of a file outside.
pub(crate) const PIN: &str = "pin";
/// The directory in a state directory that the tool sees.
pub(crate) const TREE: &str = "tree";

/// The place where state directories lie, private to this user.
#[derive(Clone, Debug)]
pub struct Root(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) fd: OwnedFd,
    pub(crate) path: PathBuf,
}

impl Root {
    /// Opens the place, made if it is missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Doomed`] if it lies below a directory that others delete; [`ErrorKind::Symlink`] if it or its parent is a link;
    /// [`ErrorKind::NotPrivate`] if others own a part of the path or may write to it.
    pub fn open(path: impl AsRef<Path>, doomed: &Doomed) -> Result<Self, Error> {
        let path = path.as_ref();
        // A trailing slash would follow a symbolic link.
        let path: PathBuf = std::path::absolute(path)
            .map_err(|e| Error::io("cannot resolve", path, e))?
            .components()
            .collect();
        let fd = place::open(&path, doomed)?;
        Ok(Self(Arc::new(Inner { fd, path })))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Builds a state directory: under a name that nobody looks at, then renamed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`], [`ErrorKind::InvalidName`], [`ErrorKind::Missing`] and [`ErrorKind::Taken`] before anything is made;
    /// [`ErrorKind::StorageFull`] and others in the middle, and what had been made is removed.
    pub fn build(&self, request: &Request<'_>) -> Result<StateDir, Error> {
        Prepared::new(self, request)?.build()
    }

    /// The same in two steps: all that can be refused is refused now, and nothing is made yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`], [`ErrorKind::InvalidName`], [`ErrorKind::Missing`] and [`ErrorKind::Taken`].
    pub fn prepare<'a>(&'a self, request: &'a Request<'a>) -> Result<Prepared<'a>, Error> {
        Prepared::new(self, request)
    }

    /// All state directories, in use or left, sorted by name. Something else that lies there is not listed, and never removed.
    ///
    /// # Errors
    ///
    /// When the list would not be complete.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        let failed = |e: Errno| Error::io("cannot list", &self.0.path, e);
        let mut found = Vec::new();
        for item in Dir::read_from(&self.0.fd).map_err(failed)? {
            let item = item.map_err(failed)?;
            let name = OsStr::from_bytes(item.file_name().to_bytes());
            let is_dir = matches!(item.file_type(), FileType::Directory | FileType::Unknown);
            if let (true, Some((stage, _))) = (is_dir, entry::read(name)) {
                found.push(self.entry(name, stage));
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn entry(&self, name: &OsStr, stage: Stage) -> Entry {
        Entry {
            name: name.to_string_lossy().into_owned(),
            stage,
            owner: self.0.path.join(name).join(OWNER),
        }
    }

    /// What builds and removals have left that did not end. One that still goes on is among them: ask its owner's lock.
    ///
    /// # Errors
    ///
    /// When the list would not be complete.
    pub fn leftovers(&self) -> Result<Vec<Entry>, Error> {
        let mut all = self.list()?;
        all.retain(|entry| entry.stage != Stage::Whole);
        Ok(all)
    }

    /// The pin that a state directory keeps of a file outside it, for whoever cleans up after a killed run.
    ///
    /// # Errors
    ///
    /// When there is one that cannot be read.
    pub fn pin(&self, name: &str) -> Result<Option<Pin>, Error> {
        self.check(name)?;
        pin::load(&self.0.path.join(name).join(PIN))
    }

    /// Removes a state directory or what is left of one, by its name in [`Root::list`]: renamed aside, then deleted.
    /// One that is not there has been removed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotRemoved`] with each obstacle; all else is gone, and the directory is no longer under its name.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        self.check(name)?;
        remove_entry(&self.0, name)
    }

    fn check(&self, name: &str) -> Result<(), Error> {
        match entry::read(name.as_ref()) {
            Some(_) => Ok(()),
            None => Err(Error::new(
                ErrorKind::InvalidName,
                format!("{name:?} is not the name of a state directory; take one from the list"),
            )),
        }
    }
}

/// Removes what has a name that [`entry::read`] knows.
pub(crate) fn remove_entry(root: &Inner, name: &str) -> Result<(), Error> {
    let Some(aside) = rename_aside(root, name)? else {
        return Ok(());
    };
    sync::point("aside");
    let path = root.path.join(&aside);
    let c_name = CString::new(aside).unwrap_or_default();
    let obstacles = remove::tree(&root.fd, &c_name, &path);
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Error::not_removed(tell(&path, &obstacles), obstacles))
}

fn tell(path: &Path, obstacles: &[crate::Obstacle]) -> String {
    const MOST: usize = 5;
    let mut shown: Vec<String> = obstacles.iter().take(MOST).map(|o| o.to_string()).collect();
    if let more @ 1.. = obstacles.len().saturating_sub(MOST) {
        shown.push(format!("and {more} more"));
    }
    format!("cannot remove all of {}: {}", Shown(path), shown.join(", "))
}

/// The name under which nobody looks for it any more; none if it is gone already.
fn rename_aside(root: &Inner, name: &str) -> Result<Option<String>, Error> {
    let Some((stage, bare)) = entry::read(name.as_ref()) else {
        return Ok(None);
    };
    if stage == Stage::Removing {
        return Ok(Some(name.to_owned()));
    }
    let aside = format!("{REMOVING}{bare}");
    match rustix::fs::renameat(&root.fd, name, &root.fd, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(Error::io("cannot rename aside", &root.path.join(name), e)),
    }
}
