//! Directories and files made and opened through descriptors, so that nothing on the way is a link.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::{Errno, Result};

pub(crate) const PRIVATE_DIR: Mode = Mode::RWXU;
pub(crate) const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

const OPEN_DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens a directory that is no link.
pub(crate) fn open(parent: impl AsFd, name: &Path) -> Result<OwnedFd> {
    rustix::fs::openat(parent, name, OPEN_DIR, Mode::empty())
}

/// Makes a directory and opens it.
pub(crate) fn make(parent: impl AsFd, name: &Path, mode: Mode) -> Result<OwnedFd> {
    rustix::fs::mkdirat(&parent, name, mode)?;
    open(parent, name)
}

/// A second descriptor of the same directory, that no child gets.
pub(crate) fn same(dir: impl AsFd) -> Result<OwnedFd> {
    rustix::io::fcntl_dupfd_cloexec(dir, 0)
}

/// Opens a directory below, made with all above it where they are missing.
pub(crate) fn ensure<'a>(top: impl AsFd, names: impl Iterator<Item = &'a Path>) -> Result<OwnedFd> {
    let mut at = same(top)?;
    for name in names {
        at = match make(&at, name, PRIVATE_DIR) {
            Err(Errno::EXIST) => open(&at, name),
            made => made,
        }?;
    }
    Ok(at)
}

/// Makes a file that was not there.
pub(crate) fn create(parent: impl AsFd, name: &Path, mode: Mode) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, mode)
}

/// Makes a file with these contents.
pub(crate) fn write(parent: impl AsFd, name: &Path, contents: &[u8]) -> Result<()> {
    let file = create(parent, name, PRIVATE_FILE)?;
    write_all(&file, contents)
}

pub(crate) fn write_all(file: impl AsFd, mut contents: &[u8]) -> Result<()> {
    while !contents.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&file, contents))?;
        contents = &contents[written..];
    }
    Ok(())
}

/// Whether something is there, be it a link that leads nowhere.
pub(crate) fn exists(parent: impl AsFd, path: &Path) -> Result<bool> {
    match rustix::fs::statat(parent, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(e) => Err(e),
    }
}
