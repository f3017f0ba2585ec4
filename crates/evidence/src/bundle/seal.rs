//! Sealing: every file is read once and its digest written down; the manifest comes last.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use super::check::kind_of;
use super::manifest::{File, Found, Manifest, Refused};
use super::{EVENTS, MANIFEST, RUN};
use crate::json::Doc;
use crate::source::ReadError;
use crate::time::Instant;
use crate::{Dir, Error, ErrorKind, Source, Terms};

/// All files of a bundle together: more than that takes longer than the end of a run may.
const MOST_BYTES: u64 = 4 << 30;

/// Seals the directory: writes its manifest, with each file's size, digest and time, and the window from `armed` until now.
///
/// `run` is a JSON object about the run; where the bundle has a [`RUN`](super::RUN), that has the same members. What is no regular file, or
/// cannot be read, is written down as such, and no verdict is green with it.
///
/// # Errors
///
/// When the directory cannot be listed, has too many files, or cannot be written to; when `run` is no JSON.
pub fn seal(root: &Path, armed: SystemTime, run: &str, terms: &Terms) -> Result<(), Error> {
    let dir = Dir::open(root)?;
    let run = Doc::parse(run.to_owned(), terms.depth());
    remove_drafts(root);
    let mut paths = dir.list(terms)?;
    paths.retain(|path| path != MANIFEST);
    paths.sort_unstable();
    let mut room = MOST_BYTES;
    let files = paths
        .into_iter()
        .map(|path| look(&dir, root, path, &mut room, terms));
    let files: Vec<File> = files.collect();
    let manifest = Manifest {
        run: run.map_err(|_| Error::usage("what is said of the run is no JSON"))?,
        armed: Instant::of(armed),
        sealed: now(root),
        files,
    };
    put(root, MANIFEST, manifest.render().as_bytes())
}

/// What another process left that was killed while it sealed.
fn remove_drafts(root: &Path) {
    for name in [MANIFEST, RUN, EVENTS] {
        let _ = fs::remove_file(draft(root, name));
    }
}

fn draft(root: &Path, name: &str) -> PathBuf {
    root.join(format!(".{name}.runward"))
}

/// By our clock or that of the file system, whichever is later.
fn now(root: &Path) -> Instant {
    let (ours, probe) = (SystemTime::now(), draft(root, MANIFEST));
    let _ = fs::remove_file(&probe);
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    let theirs = made.and_then(|made| made.metadata()?.modified());
    let _ = fs::remove_file(&probe);
    Instant::of(theirs.unwrap_or(ours).max(ours))
}

fn look(dir: &Dir, root: &Path, path: String, room: &mut u64, terms: &Terms) -> File {
    let read = dir.read(&path, terms).and_then(|bytes| {
        *room = room.checked_sub(bytes.len() as u64).ok_or_else(|| {
            ReadError::Refused(format!("the bundle has more than {MOST_BYTES} bytes"))
        })?;
        let about = fs::symlink_metadata(root.join(&path)).and_then(|about| about.modified());
        let modified = about.map_err(|error| ReadError::Refused(error.to_string()))?;
        Ok(Found {
            size: bytes.len() as u64,
            sha256: hex(Sha256::digest(&bytes)),
            modified: Instant::of(modified),
        })
    });
    let found = read.map_err(|error| Refused {
        kind: kind_of(&error).name().to_owned(),
        why: error.to_string(),
    });
    File { path, found }
}

pub(crate) fn hex(digest: impl AsRef<[u8]>) -> String {
    let bytes = digest.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file of a bundle whole or not at all.
///
/// # Errors
///
/// When it cannot be written.
pub fn put(root: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let draft = draft(root, name);
    let fail = |error: io::Error| {
        let message = format!("write {name} in {}: {error}", root.display());
        Error::new(ErrorKind::Io, message)
    };
    let _ = fs::remove_file(&draft);
    let mut options = OpenOptions::new();
    let made = options
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&draft);
    made.and_then(|mut out| out.write_all(bytes))
        .and_then(|()| fs::rename(&draft, root.join(name)))
        .map_err(fail)
}

/// The SHA-256 of a regular file of any size, in hexadecimal digits.
///
/// # Errors
///
/// When it is none, or cannot be read.
pub fn digest(path: &Path) -> io::Result<String> {
    // A FIFO without a writer would hold the opening for ever.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(digest.finalize())),
            read => digest.update(&piece[..read]),
        }
    }
}
