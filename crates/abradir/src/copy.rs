//! A tree copied as it is: links as links, with modes and times; what is neither file, directory nor link is left out.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use crate::{Error, ErrorKind, dirs, sync};

const DEEPEST: usize = 128;
const BUFFER: usize = 1 << 16;
/// How often a name may change from a link to a file and back while we look.
const PATIENCE: usize = 64;

/// Copies, and remembers what the filesystems can do and what was left out.
pub(crate) struct Copier {
    buffer: Vec<u8>,
    clones: bool,
    depth: usize,
    /// Where it is, in the source.
    path: PathBuf,
    pub(crate) left_out: Vec<PathBuf>,
}

/// One end of a copy: a directory, and a name in it.
type End<'a> = (BorrowedFd<'a>, &'a Path);

impl Copier {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER],
            clones: true,
            depth: 0,
            path: PathBuf::new(),
            left_out: Vec::new(),
        }
    }

    /// Copies what `source` leads to, links followed, to a name that is free. `shown` is for messages.
    pub(crate) fn copy(
        &mut self,
        source: OwnedFd,
        shown: &Path,
        to: impl AsFd,
        name: &Path,
    ) -> Result<(), Error> {
        self.path = shown.to_owned();
        let stat = rustix::fs::fstat(&source).map_err(|e| self.failed(e))?;
        self.opened(source, &stat, (to.as_fd(), name))
    }

    fn failed(&self, errno: Errno) -> Error {
        Error::io("cannot copy", &self.path, errno)
    }

    fn opened(&mut self, source: OwnedFd, stat: &Stat, to: End<'_>) -> Result<(), Error> {
        sync::point("copy");
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.directory(source, stat, to),
            FileType::RegularFile => self
                .file(source.as_fd(), stat, to)
                .map_err(|e| self.failed(e)),
            _ => {
                self.left_out.push(self.path.clone());
                Ok(())
            }
        }
    }

    fn directory(&mut self, source: OwnedFd, stat: &Stat, to: End<'_>) -> Result<(), Error> {
        if self.depth == DEEPEST {
            let message = format!(
                "{} lies deeper than {DEEPEST} directories; stage less",
                self.path.display()
            );
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let made = dirs::make(to.0, to.1, mode(stat)).map_err(|e| self.failed(e))?;
        let mut entries = Dir::read_from(&source).map_err(|e| self.failed(e))?;
        self.depth += 1;
        while let Some(entry) = entries.read() {
            let entry = entry.map_err(|e| self.failed(e))?;
            let name = Path::new(OsStr::from_bytes(entry.file_name().to_bytes()));
            if name != Path::new(".") && name != Path::new("..") {
                self.path.push(name);
                self.entry((source.as_fd(), name), entry.file_type(), made.as_fd())?;
                self.path.pop();
            }
        }
        self.depth -= 1;
        finish(&made, stat).map_err(|e| self.failed(e))
    }

    fn entry(&mut self, from: End<'_>, kind: FileType, to: BorrowedFd<'_>) -> Result<(), Error> {
        use FileType::{Directory, RegularFile, Symlink, Unknown};
        if !matches!(kind, Directory | RegularFile | Symlink | Unknown) {
            self.left_out.push(self.path.clone());
            return Ok(());
        }
        // What it was when it was listed may have been replaced, once and again.
        for _ in 0..PATIENCE {
            match open(from) {
                Ok(source) => return self.open_entry(source, (to, from.1)),
                Err(Errno::LOOP) => {}
                Err(Errno::NOENT) => return Ok(()),
                Err(e) => return Err(self.failed(e)),
            }
            match self.link(from, to) {
                Err(Errno::INVAL) => {}
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(e) => return Err(self.failed(e)),
            }
        }
        Err(self.failed(Errno::AGAIN))
    }

    fn open_entry(&mut self, source: OwnedFd, to: End<'_>) -> Result<(), Error> {
        let stat = rustix::fs::fstat(&source).map_err(|e| self.failed(e))?;
        self.opened(source, &stat, to)
    }

    fn link(&mut self, from: End<'_>, to: BorrowedFd<'_>) -> rustix::io::Result<()> {
        sync::point("copy");
        let stat = rustix::fs::statat(from.0, from.1, AtFlags::SYMLINK_NOFOLLOW)?;
        let target = rustix::fs::readlinkat(from.0, from.1, Vec::new())?;
        rustix::fs::symlinkat(&*target, to, from.1)?;
        rustix::fs::utimensat(to, from.1, &times(&stat), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn file(&mut self, source: BorrowedFd<'_>, stat: &Stat, to: End<'_>) -> rustix::io::Result<()> {
        let made = dirs::create(to.0, to.1, mode(stat))?;
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        if size > 0 && !self.cloned(source, made.as_fd())? {
            self.bytes(source, made.as_fd(), size)?;
        }
        finish(&made, stat)
    }

    /// Shares the blocks of the source, where the filesystem can.
    fn cloned(&mut self, source: BorrowedFd<'_>, to: BorrowedFd<'_>) -> rustix::io::Result<bool> {
        if !self.clones {
            return Ok(false);
        }
        match rustix::fs::ioctl_ficlone(to, source) {
            Ok(()) => Ok(true),
            Err(Errno::NOSPC | Errno::DQUOT) => Err(Errno::NOSPC),
            Err(_) => {
                self.clones = false;
                Ok(false)
            }
        }
    }

    /// As much as there was when it was opened: a file that grows has no end.
    fn bytes(
        &mut self,
        source: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        size: u64,
    ) -> rustix::io::Result<()> {
        let mut left = if size > BUFFER as u64 {
            in_kernel(source, to, size)?
        } else {
            size
        };
        while left > 0 {
            let most = self
                .buffer
                .len()
                .min(usize::try_from(left).unwrap_or(BUFFER));
            let part = &mut self.buffer[..most];
            let read = rustix::io::retry_on_intr(|| rustix::io::read(source, &mut *part))?;
            if read == 0 {
                break;
            }
            dirs::write_all(to, &self.buffer[..read])?;
            left -= read as u64;
        }
        Ok(())
    }
}

/// Opens what is no link.
fn open(from: End<'_>) -> rustix::io::Result<OwnedFd> {
    // Without NONBLOCK, what has become a fifo would hold us.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat(from.0, from.1, flags, Mode::empty())
}

/// Copies without a detour through this process; answers how much is left where that is not possible.
fn in_kernel(source: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> rustix::io::Result<u64> {
    let mut left = size;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX >> 1);
        match rustix::fs::copy_file_range(source, None, to, None, most) {
            Ok(0) => return Ok(0),
            Ok(copied) => left -= copied as u64,
            Err(Errno::INTR) => {}
            Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::IO)) => return Err(e),
            Err(_) => break,
        }
    }
    Ok(left)
}

/// The mode of the source; a directory stays usable by its owner, and nothing becomes setuid.
fn mode(stat: &Stat) -> Mode {
    let mode = Mode::from_raw_mode(stat.st_mode & 0o777);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => mode | dirs::PRIVATE_DIR,
        _ => mode,
    }
}

/// Gives what the process's mask took of the mode, and the times of the source.
fn finish(made: &OwnedFd, stat: &Stat) -> rustix::io::Result<()> {
    // To look is cheap; to change is a write to the filesystem.
    if Mode::from_raw_mode(rustix::fs::fstat(made)?.st_mode & 0o777) != mode(stat) {
        rustix::fs::fchmod(made, mode(stat))?;
    }
    rustix::fs::futimens(made, &times(stat))
}

fn times(stat: &Stat) -> Timestamps {
    let at = |tv_sec, nanoseconds| Timespec {
        tv_sec,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
    };
    Timestamps {
        last_access: at(stat.st_atime, stat.st_atime_nsec),
        last_modification: at(stat.st_mtime, stat.st_mtime_nsec),
    }
}
