use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::fs::{AtFlags, Mode as Permissions, OFlags, StatxFlags};
use rustix::io::Errno;

use crate::identity::Identity;
use crate::inode::Inode;
use crate::policy::{self, Filesystems};
use crate::record::{self, Record};
use crate::registry::DirId;
use crate::table::Key;
use crate::{Error, ErrorKind, Event, Guard, Name, Request, acquire, many, pid};

/// A private directory of locks, one file for each name.
///
/// Cloning it is cheap. After the directory has been opened every access is relative to its descriptor.
#[derive(Clone)]
pub struct LockDir(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) fd: OwnedFd,
    path: PathBuf,
    pub(crate) id: DirId,
    opener: Own,
    fork: Mutex<Option<Own>>,
    device: OnceLock<(u32, u32)>,
}

/// A process, and what it writes into each record.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) identity: Identity,
    pub(crate) template: Record,
}

impl Own {
    fn ask() -> Self {
        let identity = Identity::own();
        let template = Record::template(&identity);
        Self { identity, template }
    }
}

impl LockDir {
    /// Opens the directory, or creates it with mode 0700.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Symlink`], [`ErrorKind::NotADirectory`]; [`ErrorKind::NotPrivate`] if another user owns it, may write to it, or may
    /// write to the directory above it where that has no sticky bit;
    /// [`ErrorKind::ForeignFilesystem`] if its locks are not known to be dependable. Nothing has been locked then.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_on(path, Filesystems::Dependable)
    }

    /// The same on filesystems of the caller's choice.
    ///
    /// # Errors
    ///
    /// As for [`LockDir::open`].
    pub fn open_on(path: impl AsRef<Path>, filesystems: Filesystems) -> Result<Self, Error> {
        let path = path.as_ref();
        // A trailing slash would follow a symbolic link.
        let path: PathBuf = std::path::absolute(path)
            .map_err(|e| Error::io("cannot resolve", path, e))?
            .components()
            .collect();
        let (fd, stat) = policy::open(&path, filesystems)?;
        let id = (stat.st_dev, stat.st_ino);
        Ok(Self(Arc::new(Inner {
            fd,
            path,
            id,
            opener: Own::ask(),
            fork: Mutex::default(),
            device: OnceLock::new(),
        })))
    }

    /// The path as it was opened, made absolute.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Takes the lock, telling the observer whom it waits for. The guard is the only proof of having it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] with the holder once the wait is over; [`ErrorKind::Cancelled`] if the observer ended it;
    /// [`ErrorKind::AlreadyHeld`] if this process has it; [`ErrorKind::HeldByAncestor`] if one above it has, and the request
    /// refuses that; [`ErrorKind::InvalidRequest`] for a text that does not fit; [`ErrorKind::StorageFull`] if there is no room
    /// for the record; [`ErrorKind::Symlink`], [`ErrorKind::NotALockFile`], [`ErrorKind::MixedLocks`] or [`ErrorKind::Corrupt`]
    /// if the file at the path is not what holders make of it.
    #[track_caller]
    pub fn acquire(
        &self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Guard, Error> {
        acquire::acquire(&self.0, name, request, observer, Location::caller())
    }

    /// Takes all the locks or none, each once, in the order of their names, so that no two callers wait for each other.
    /// One deadline covers them all. The guards come in that order.
    ///
    /// # Errors
    ///
    /// As for [`LockDir::acquire`]; what was taken has been released.
    #[track_caller]
    pub fn acquire_all(
        &self,
        names: &[Name],
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Guard>, Error> {
        let site = Location::caller();
        many::in_order(names, |name| {
            acquire::acquire(&self.0, name, request, observer, site)
        })
    }
}

impl fmt::Debug for LockDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockDir").field(&self.0.path).finish()
    }
}

/// How the file behind a descriptor compares with the one at the path of the lock.
pub(crate) enum Place {
    /// The very one, with this inode.
    Current(u64),
    Elsewhere,
}

impl Inner {
    pub(crate) fn path_of(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    pub(crate) fn error(&self, doing: &str, file: &str, errno: impl Into<std::io::Error>) -> Error {
        Error::io(doing, &self.path_of(file), errno)
    }

    /// Opens a file for a lock, created if need be. Never a symbolic link, never left to a child.
    pub(crate) fn open_file(&self, file: &str) -> Result<OwnedFd, Error> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        // It is nearly always there, and then an open that may create costs more.
        match self.open_with(file, flags) {
            Err(Errno::NOENT) => self.open_with(file, flags | OFlags::CREATE),
            opened => opened,
        }
        .map_err(|e| self.not_opened(file, e))
    }

    /// Opens a lock file to look at, if there is one.
    pub(crate) fn open_to_read(&self, file: &str) -> Result<Option<OwnedFd>, Error> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match self.open_with(file, flags) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.not_opened(file, e)),
        }
    }

    fn open_with(&self, file: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(&self.fd, file, flags, Permissions::RUSR | Permissions::WUSR)
    }

    fn not_opened(&self, file: &str, errno: Errno) -> Error {
        match errno {
            Errno::ISDIR | Errno::NXIO => self.not_a_lock_file(file),
            _ => self.error("cannot open lock file", file, errno),
        }
    }

    fn not_a_lock_file(&self, file: &str) -> Error {
        let path = self.path_of(file);
        Error::new(
            ErrorKind::NotALockFile,
            format!(
                "lock file {} is not a regular file; remove it",
                path.display()
            ),
        )
    }

    /// Whether the file is still the one at its path: not unlinked, and not replaced by a rename.
    pub(crate) fn place(&self, fd: BorrowedFd<'_>, file: &str) -> Result<Place, Error> {
        let failed = |e| self.error("cannot stat lock file", file, e);
        let here = Inode::of(fd).map_err(failed)?;
        if !here.regular {
            return Err(self.not_a_lock_file(file));
        }
        if !here.linked {
            return Ok(Place::Elsewhere);
        }
        match Inode::at(self.fd.as_fd(), file) {
            Ok(there) if there.is_same(&here) => Ok(Place::Current(here.ino)),
            Ok(_) | Err(Errno::NOENT) => Ok(Place::Elsewhere),
            Err(e) => Err(failed(e)),
        }
    }

    /// Whether the path still leads to this directory.
    pub(crate) fn in_place(&self) -> bool {
        rustix::fs::lstat(&self.path).is_ok_and(|s| (s.st_dev, s.st_ino) == self.id)
    }

    /// This process; a fork is another one.
    pub(crate) fn own(&self) -> Cow<'_, Own> {
        let pid = pid::own();
        if self.opener.identity.pid == pid {
            return Cow::Borrowed(&self.opener);
        }
        let mut fork = self.fork.lock().unwrap_or_else(PoisonError::into_inner);
        let own = fork.take().filter(|own| own.identity.pid == pid);
        Cow::Owned(fork.insert(own.unwrap_or_else(Own::ask)).clone())
    }

    /// The record in the file. A torn read is tried again: the writer is never long.
    pub(crate) fn read_record(
        &self,
        fd: BorrowedFd<'_>,
        file: &str,
    ) -> Result<Option<Record>, Error> {
        for _ in 0..8 {
            let mut bytes = Vec::with_capacity(record::SIZE);
            rustix::io::retry_on_intr(|| {
                rustix::io::pread(fd, rustix::buffer::spare_capacity(&mut bytes), 0)
            })
            .map_err(|e| self.error("cannot read lock file", file, e))?;
            if bytes.is_empty() {
                break;
            }
            if let Some(record) = Record::decode(bytes) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// How the kernel's list names a file of this directory.
    pub(crate) fn key(&self, ino: u64) -> Key {
        let (major, minor) = *self.device.get_or_init(|| self.find_device());
        Key { major, minor, ino }
    }

    /// The device of the mount; on Btrfs and others `stat` shows another one than the list of locks.
    fn find_device(&self) -> (u32, u32) {
        let shown = (rustix::fs::major(self.id.0), rustix::fs::minor(self.id.0));
        let stat = rustix::fs::statx(self.fd.as_fd(), "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID);
        let Ok(stat) = stat else { return shown };
        mount_device(stat.stx_mnt_id).unwrap_or(shown)
    }
}

/// The third field of a line of mountinfo, see proc_pid_mountinfo(5).
fn mount_device(mount: u64) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.split(' ').next().and_then(|id| id.parse().ok()) == Some(mount))?;
    let (major, minor) = line.split(' ').nth(2)?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
