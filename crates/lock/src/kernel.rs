//! The two kinds of lock on one description. `flock` excludes, and agrees with flock(1); the range lock beside it
//! can be asked for without being taken, and is visible from every pid namespace.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::FlockOperation;

use crate::Mode;

/// The operation of a blocking `flock`.
pub(crate) fn operation(mode: Mode) -> i32 {
    match mode {
        Mode::Exclusive => libc::LOCK_EX,
        Mode::Shared => libc::LOCK_SH,
    }
}

/// False if another description has a conflicting lock.
pub(crate) fn try_flock(fd: BorrowedFd<'_>, mode: Mode) -> io::Result<bool> {
    let operation = match mode {
        Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
        Mode::Shared => FlockOperation::NonBlockingLockShared,
    };
    match rustix::io::retry_on_intr(|| rustix::fs::flock(fd, operation)) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// A range of a file, to lock as a reader or as a writer.
pub(crate) fn range(mode: Mode, start: u64, len: u64) -> libc::flock {
    let kind = match mode {
        Mode::Exclusive => libc::F_WRLCK,
        Mode::Shared => libc::F_RDLCK,
    };
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start as i64,
        l_len: len as i64,
        l_pid: 0,
    }
}

/// False if another description has a conflicting range.
pub(crate) fn try_range(fd: impl AsFd, range: &libc::flock) -> io::Result<bool> {
    match fcntl(fd, FcntlArg::F_OFD_SETLK(range)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Where the first range ends that another description has locked at or after `start`; none if it has no end.
pub(crate) struct Used {
    pub(crate) end: Option<u64>,
}

/// That range, if there is one. Takes nothing.
pub(crate) fn first_range(fd: impl AsFd, start: u64) -> io::Result<Option<Used>> {
    let mut wanted = range(Mode::Exclusive, start, 0);
    fcntl(fd, FcntlArg::F_OFD_GETLK(&mut wanted))?;
    if wanted.l_type == libc::F_UNLCK as libc::c_short {
        return Ok(None);
    }
    let end = wanted.l_start.checked_add(wanted.l_len);
    let end = end.filter(|_| wanted.l_len > 0);
    Ok(Some(Used {
        end: end.and_then(|end| u64::try_from(end).ok()),
    }))
}

/// Whether any other description has locked a range of the file. Takes nothing.
pub(crate) fn is_ranged(fd: impl AsFd) -> io::Result<bool> {
    let mut wanted = range(Mode::Exclusive, 0, 0);
    fcntl(fd, FcntlArg::F_OFD_GETLK(&mut wanted))?;
    Ok(wanted.l_type != libc::F_UNLCK as libc::c_short)
}
