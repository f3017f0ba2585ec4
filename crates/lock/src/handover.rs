//! Giving the lock to another process: to a child at its start, or to whoever has received the descriptor.
//!
//! # Safety
//!
//! Two things are unsafe here: code between fork and exec, which makes system calls only; and taking ownership of a descriptor whose
//! number the environment tells, which is done after it was found to carry the lock and while nobody else here has it.
#![expect(
    unsafe_code,
    reason = "a child's descriptors can be set up between fork and exec only"
)]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::panic::Location;
use std::process::Command;
use std::time::Duration;

use rustix::io::FdFlags;

use crate::dir::{LockDir, Place};
use crate::guard::{Guard, Held};
use crate::record::Record;
use crate::registry::Slot;
use crate::{Error, ErrorKind, Mode, Name, pid, registry, table};

/// Names the descriptors that a child was handed, as `FD:NAME` with commas between.
const VARIABLE: &str = "RUNWARD_LOCK_FDS";

impl Guard {
    /// Hands the lock to the child that the command will start, which keeps it until it ends, closes it, or releases it through
    /// [`LockDir::inherited`]. From now on a mere drop of this guard no longer marks a clean release: the work may go on in the child.
    ///
    /// The guard must live until the child is started; otherwise the start fails.
    pub fn hand_down(&mut self, command: &mut Command) {
        let (fd, dev, ino) = (self.as_fd().as_raw_fd(), self.dev(), self.ino());
        command.env(VARIABLE, listed(command, fd, self.name()));
        // SAFETY: the closure makes two system calls, allocates nothing and takes no lock, see pre_exec.
        unsafe { command.pre_exec(move || keep_on_exec(fd, dev, ino)) };
        self.leave_to_others();
    }
}

fn listed(command: &Command, fd: RawFd, name: &Name) -> OsString {
    let earlier = command
        .get_envs()
        .find(|(key, _)| *key == VARIABLE)
        .and_then(|(_, value)| value);
    let mut list = earlier.map(|value| value.to_owned()).unwrap_or_default();
    if !list.is_empty() {
        list.push(",");
    }
    list.push(format!("{fd}:{name}"));
    list
}

/// Runs in the child. The number may have come to mean another file if the guard is gone.
fn keep_on_exec(fd: RawFd, dev: u64, ino: u64) -> io::Result<()> {
    // SAFETY: if the number is not open, the calls fail; nothing is closed by a borrow.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let stat = rustix::fs::fstat(fd)?;
    if (stat.st_dev, stat.st_ino) != (dev, ino) {
        return Err(rustix::io::Errno::BADF.into());
    }
    Ok(rustix::io::fcntl_setfd(fd, FdFlags::empty())?)
}

impl LockDir {
    /// Makes a guard of a descriptor that another process has sent, after making sure that it is the lock file and carries the lock.
    /// The record stays as it is until [`Guard::set_what`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotHeld`] if it does not carry the lock exclusively; [`ErrorKind::Replaced`] if it is another file than that
    /// at the path; [`ErrorKind::AlreadyHeld`] if this process has a guard of it.
    #[track_caller]
    pub fn adopt(&self, name: &Name, fd: OwnedFd) -> Result<Guard, Error> {
        let slot = registry::reserve_adopted(self.0.id, name, Location::caller())?;
        let (ino, record) = self.verify(name, fd.as_fd())?;
        self.guard(fd, ino, record, slot)
    }

    /// Makes a guard of the lock that our parent handed down to us with [`Guard::hand_down`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotHeld`] if nothing of that name was handed down, or no longer carries the lock; others as for [`LockDir::adopt`].
    #[track_caller]
    pub fn inherited(&self, name: &Name) -> Result<Guard, Error> {
        let slot = registry::reserve_adopted(self.0.id, name, Location::caller())?;
        let number = handed_down(name)
            .ok_or_else(|| not_held(name, "was not handed down to this process"))?;
        // SAFETY: the borrow is for calls that fail if the number is not open; nothing is closed by it.
        let (ino, record) = self.verify(name, unsafe { BorrowedFd::borrow_raw(number) })?;
        // SAFETY: it carries the lock, and the slot says that no guard of this process owns it; it came by exec.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        let failed = |e| {
            self.0
                .error("cannot keep from further children", name.as_str(), e)
        };
        rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC).map_err(failed)?;
        self.guard(fd, ino, record, slot)
    }

    fn verify(&self, name: &Name, fd: BorrowedFd<'_>) -> Result<(u64, Option<Record>), Error> {
        let Place::Current(ino) = self.0.place(fd, name.as_str())? else {
            let path = self.0.path_of(name.as_str());
            let text = format!(
                "the descriptor for lock {name} is not the file at {}; take the lock afresh",
                path.display()
            );
            return Err(Error::new(ErrorKind::Replaced, text));
        };
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()));
        let info = info.map_err(|e| {
            self.0
                .error("cannot tell from /proc who locks", name.as_str(), e)
        })?;
        if table::fdinfo_holds(&info, self.0.key(ino)) != Some(Mode::Exclusive) {
            return Err(not_held(name, "is not carried by the descriptor"));
        }
        Ok((ino, self.0.read_record(fd, name.as_str())?))
    }

    fn guard(
        &self,
        file: OwnedFd,
        ino: u64,
        record: Option<Record>,
        slot: Slot,
    ) -> Result<Guard, Error> {
        let Some(record) = record else {
            return Err(not_held(slot.name(), "has no record of its holder"));
        };
        let fence = record.fence();
        let (dir, mode, waited) = (self.0.clone(), Mode::Exclusive, Duration::ZERO);
        Ok(Guard::new(
            pid::own(),
            Held {
                file,
                ino,
                dir,
                record: Some(record),
                predecessor: None,
                fence,
                mode,
                waited,
                slot,
            },
        ))
    }
}

fn handed_down(name: &Name) -> Option<RawFd> {
    let list = std::env::var(VARIABLE).ok()?;
    let of_name = |item: &str| {
        item.split_once(':')
            .filter(|(_, n)| *n == name.as_str())?
            .0
            .parse()
            .ok()
    };
    list.split(',').find_map(of_name).filter(|fd| *fd > 2)
}

fn not_held(name: &Name, why: &str) -> Error {
    Error::new(
        ErrorKind::NotHeld,
        format!("lock {name} {why}; take it with acquire"),
    )
}
