//! What was done, by whom, under which fence: lines of JSON that are only ever added to; in two files, so that they do not grow for ever.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use runward_lock::{Fence, Name};
use serde::Serialize;

use crate::sync::point;
use crate::{Error, clock};

/// From this size on the file becomes the older generation before a pass writes to it.
const LARGE: u64 = 4 << 20;
/// How often somebody else may be quicker.
const ATTEMPTS: usize = 64;

pub(crate) struct Audit {
    file: File,
    path: PathBuf,
    actor: String,
    pass: String,
    /// A line was cut short: the next one has to end it.
    torn: bool,
}

/// One line. What does not apply is left out.
#[derive(Default, Serialize)]
pub(crate) struct Line<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fence: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) step: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) text: &'a str,
}

#[derive(Serialize)]
struct Full<'a> {
    at: String,
    pass: &'a str,
    pid: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    actor: &'a str,
    event: &'a str,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

impl<'a> Line<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }

    pub(crate) fn of(name: &'a Name, fence: Fence) -> Self {
        Self {
            name: name.as_str(),
            fence: Some(fence.get()),
            ..Self::default()
        }
    }
}

impl Audit {
    /// Opens the file for a pass. A line that a full disk cut short is ended, so that the next one stands by itself.
    pub(crate) fn open(path: PathBuf, actor: &str) -> Result<Self, Error> {
        let pass = format!("{}-{}", clock::show(SystemTime::now()), std::process::id());
        let opened = open(&path).map_err(|e| Error::home("cannot open audit", &path, e))?;
        Ok(Self {
            file: opened,
            path,
            actor: actor.to_owned(),
            pass,
            torn: false,
        })
    }

    /// Adds a line in one write, before what it says is done where that cannot be undone.
    pub(crate) fn write(&mut self, event: &str, line: &Line<'_>) -> Result<(), Error> {
        let full = Full {
            at: clock::show(SystemTime::now()),
            pass: &self.pass,
            pid: std::process::id(),
            actor: &self.actor,
            event,
            line,
        };
        let text = serde_json::to_string(&full).unwrap_or_default();
        let end = if self.torn { "\n" } else { "" };
        self.add(format!("{end}{text}\n").as_bytes())
            .map_err(|e| Error::home("cannot write audit", &self.path, e))
    }

    /// The rest of a short write is not sent after it: another janitor may have written meanwhile.
    fn add(&mut self, text: &[u8]) -> io::Result<()> {
        let written = self.file.write(text)?;
        self.torn = written < text.len();
        if self.torn {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// The file, which everybody who writes to it has locked shared. When it has grown large, whoever has it alone makes it the older
/// generation, in place of the one before; so nothing that somebody still writes is ever in a file that goes away.
fn open(path: &Path) -> io::Result<File> {
    for _ in 0..ATTEMPTS {
        let file = open_file(path)?;
        let is_large = file.metadata()?.len() >= LARGE;
        let alone = is_large && lock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let shared = || lock(&file, FlockOperation::NonBlockingLockShared);
        if !(alone || shared()?) || !is_at(&file, path)? {
            continue;
        }
        if !alone {
            return ended(file);
        }
        point("audit.full");
        fs::rename(path, older(path))?;
        point("audit.renamed");
    }
    // Only who rotates keeps others out, and that is done in microseconds: there is a way to write, if without a lock.
    ended(open_file(path)?)
}

fn open_file(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)
}

/// Whether it could be had; where there are no locks it never rotates.
fn lock(file: &File, how: FlockOperation) -> io::Result<bool> {
    match rustix::io::retry_on_intr(|| rustix::fs::flock(file, how)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(_) => Ok(how == FlockOperation::NonBlockingLockShared),
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (here, there) = (file.metadata()?, fs::symlink_metadata(path));
    Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())))
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

fn ended(mut file: File) -> io::Result<File> {
    if ends_torn(&mut file)? {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn ends_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
