use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{ReadError, Source, is_inside};
use crate::{Error, ErrorKind, Terms};

/// How deep directories may lie in each other.
const MAX_LEVELS: usize = 64;

/// A directory as a bundle. Only regular files in it are read, and no symbolic link is followed below it.
#[derive(Debug)]
pub struct Dir {
    root: OwnedFd,
    path: PathBuf,
}

impl Dir {
    /// Opens the directory.
    ///
    /// # Errors
    ///
    /// When it is not there, is no directory, or may not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::open(&path, flags, Mode::empty()) {
            Ok(root) => Ok(Self { root, path }),
            Err(error) => Err(Error::new(
                ErrorKind::Io,
                format!("open the bundle {}: {error}", path.display()),
            )),
        }
    }

    /// The directory that has the file, and the file's own name.
    fn parent<'p>(&self, path: &'p str) -> Result<(OwnedFd, &'p str), ReadError> {
        let mut parent = fs::openat(&self.root, ".", DIRECTORY, Mode::empty()).map_err(refused)?;
        let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
        for directory in directories.split('/').filter(|name| !name.is_empty()) {
            parent = enter(&parent, directory)?;
        }
        Ok((parent, name))
    }

    fn unlisted(&self, below: &str, error: Errno) -> Error {
        let path = self.path.join(below);
        let message = format!("list the bundle's directory {}: {error}", path.display());
        Error::new(ErrorKind::Io, message)
    }

    fn list_into(&self, pending: &mut Vec<String>, found: &mut Vec<String>) -> Result<(), Error> {
        let below = pending.pop().unwrap_or_default();
        let directory = match below.as_str() {
            "" => self.root.try_clone().map_err(|_| Errno::MFILE),
            path => self.directory(path),
        };
        let fail = |error| self.unlisted(&below, error);
        let directory = directory.map_err(fail)?;
        for entry in fs::Dir::read_from(&directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let Some(path) = join(&below, entry.file_name()) else {
                continue;
            };
            match kind_of(&directory, entry.file_name(), entry.file_type()) {
                FileType::Directory => pending.push(path),
                _ => found.push(path),
            }
        }
        Ok(())
    }

    fn directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        let mut directory = fs::openat(&self.root, ".", DIRECTORY, Mode::empty())?;
        for name in path.split('/') {
            directory = fs::openat(&directory, unescape(name), DIRECTORY, Mode::empty())?;
        }
        Ok(directory)
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A FIFO without a writer would hold the opening for ever, and a terminal could become ours.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Source for Dir {
    fn list(&self, terms: &Terms) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut pending = vec![String::new()];
        let mut directories = 0;
        while let Some(next) = pending.last() {
            directories += 1;
            if next.matches('/').count() > MAX_LEVELS {
                let message =
                    format!("the bundle has more than {MAX_LEVELS} levels of directories");
                return Err(Error::new(ErrorKind::Io, message));
            }
            self.list_into(&mut pending, &mut found)?;
            if found.len() + pending.len() + directories > terms.files() + 1 {
                return Err(too_many(terms));
            }
        }
        Ok(found)
    }

    fn read(&self, path: &str, terms: &Terms) -> Result<Vec<u8>, ReadError> {
        if !is_inside(path) {
            return Err(ReadError::Missing);
        }
        let (parent, name) = self.parent(path)?;
        // Looked at before it is opened: to open a device can do something.
        let seen = fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(refused)?;
        regular(&seen)?;
        let file = fs::openat(&parent, name, FILE, Mode::empty()).map_err(refused)?;
        let before = fs::fstat(&file).map_err(refused)?;
        regular(&before)?;
        let size = u64::try_from(before.st_size).unwrap_or(u64::MAX);
        let limit = terms.file();
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        whole(File::from(file), &before, size)
    }
}

fn whole(file: File, before: &Stat, size: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    // One byte more than there should be shows a file that grows, however fast it does.
    let read = (&file).take(size + 1).read_to_end(&mut bytes);
    read.map_err(|error| ReadError::Refused(error.to_string()))?;
    let after = fs::fstat(file.as_fd()).map_err(refused)?;
    let stamp = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
    if bytes.len() as u64 != size || stamp(before) != stamp(&after) {
        return Err(ReadError::Changed);
    }
    Ok(bytes)
}

fn enter(parent: &OwnedFd, name: &str) -> Result<OwnedFd, ReadError> {
    fs::openat(parent, name, DIRECTORY, Mode::empty()).map_err(|error| match error {
        Errno::NOTDIR | Errno::LOOP => {
            let seen = fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
            seen.map_or(ReadError::Missing, |stat| {
                ReadError::NotAFile(on_the_way(&stat))
            })
        }
        error => refused(error),
    })
}

fn on_the_way(stat: &Stat) -> &'static str {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => "a symbolic link on the way to it",
        _ => "what should be a directory on the way to it",
    }
}

fn regular(stat: &Stat) -> Result<(), ReadError> {
    Err(ReadError::NotAFile(
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return Ok(()),
            FileType::Directory => "a directory",
            FileType::Symlink => "a symbolic link",
            FileType::Fifo => "a named pipe",
            FileType::Socket => "a socket",
            FileType::CharacterDevice | FileType::BlockDevice => "a device",
            _ => "a special file",
        },
    ))
}

fn refused(error: Errno) -> ReadError {
    match error {
        Errno::NOENT => ReadError::Missing,
        Errno::NOTDIR => ReadError::NotAFile("what should be a directory on the way to it"),
        Errno::LOOP => ReadError::NotAFile("a symbolic link"),
        Errno::NAMETOOLONG => ReadError::Missing,
        error => ReadError::Refused(error.to_string()),
    }
}

pub(super) fn too_many(terms: &Terms) -> Error {
    let message = format!("the bundle has more than {} files", terms.files());
    Error::new(ErrorKind::Io, message)
}

/// Some filesystems do not tell the type with the name.
fn kind_of(directory: &OwnedFd, name: &CStr, told: FileType) -> FileType {
    if told != FileType::Unknown {
        return told;
    }
    let stat = fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.map_or(told, |stat| FileType::from_raw_mode(stat.st_mode))
}

fn join(below: &str, name: &CStr) -> Option<String> {
    let name = match name.to_bytes() {
        b"." | b".." => return None,
        bytes => escape(bytes),
    };
    Some(if below.is_empty() {
        name
    } else {
        format!("{below}/{name}")
    })
}

/// A name as text: what is no UTF-8, and a backslash, as `\xNN`.
fn escape(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\x5c"));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

fn unescape(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = name;
    while let Some((plain, escaped)) = rest.split_once("\\x") {
        bytes.extend(plain.as_bytes());
        let (digits, after) = escaped.split_at_checked(2).unwrap_or((escaped, ""));
        bytes.extend(u8::from_str_radix(digits, 16));
        rest = after;
    }
    bytes.extend(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_text_and_comes_back() {
        for name in [
            &b"plain"[..],
            b"a\\x41b",
            b"\xff\xfe",
            "é\n".as_bytes(),
            b"\\",
        ] {
            assert_eq!(unescape(&escape(name)), name);
        }
    }
}
