//! A process that blocks for us. A lock belongs to the open file description, which a clone shares: it blocks in the lock
//! call, we wait for it, for a deadline and for a cancel in one poll, and end it whenever we like.
//!
//! # Safety
//!
//! The clone has the memory of a process whose other threads are gone, so until it exits it may do nothing but system calls:
//! no allocation, no lock, no panic. [`child`] is written so; every signal is blocked in it, so no handler of the host runs there.
#![expect(
    unsafe_code,
    reason = "no safe interface clones a process with an exit signal of none"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use nix::libc;
use rustix::process::{Signal, WaitId, WaitIdOptions};

/// The call to block in.
#[derive(Clone, Copy)]
pub(crate) enum Block {
    /// `flock` with this operation.
    Flock(i32),
    /// `fcntl(F_OFD_SETLKW)` with this lock.
    Range(libc::flock),
}

/// The child, killed and reaped when this is dropped.
pub(crate) struct Waiter {
    pidfd: OwnedFd,
}

impl Waiter {
    /// Clones a process that blocks in the call on `lock`. It ends when it has the lock, when we end, or when it is dropped.
    pub(crate) fn spawn(lock: BorrowedFd<'_>, block: Block) -> io::Result<Self> {
        // The clone must see no time in which a signal can run a handler.
        let host = std::process::id();
        let old = mask(u64::MAX)?;
        let cloned = clone_with_pidfd();
        if let Ok((0, _)) = cloned {
            // SAFETY: this is the clone; `child` makes system calls only, and does not return.
            unsafe { child(host, lock.as_raw_fd(), block) }
        }
        // Restoring the mask it has just reported cannot fail.
        let _ = mask(old);
        let (_, pidfd) = cloned?;
        // SAFETY: clone(2) with CLONE_PIDFD stored a new descriptor there, which nobody else owns.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        Ok(Self { pidfd })
    }
}

impl AsFd for Waiter {
    /// Readable once the child has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // It may have ended by itself; it has to be reaped all the same.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        // A child without an exit signal is seen by nobody who does not ask for it, see `__WALL` in waitpid(2).
        let options = WaitIdOptions::EXITED | WaitIdOptions::from_bits_retain(libc::__WALL as u32);
        let _ = rustix::io::retry_on_intr(|| {
            rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options)
        });
    }
}

/// Sets the calling thread's signal mask; returns the one before.
fn mask(new: u64) -> io::Result<u64> {
    let mut old = 0u64;
    // SAFETY: both pointers are to 8 bytes, the size of the kernel's set, see sigprocmask(2). The wrappers of the C library
    // would leave its own signals open.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const new,
            &raw mut old,
            8usize,
        )
    };
    if result == 0 {
        Ok(old)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// `clone` rather than `clone3`: the sandboxes that refuse the latter, because they cannot look into its argument, allow this.
/// No exit signal, so no `SIGCHLD` and nothing for the host's `wait`.
fn clone_with_pidfd() -> io::Result<(i64, RawFd)> {
    let mut pidfd: RawFd = -1;
    let flags = libc::CLONE_PIDFD as libc::c_long;
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: without CLONE_VM and with no stack given this is a fork, see clone(2); the third argument takes the pidfd.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, &raw mut pidfd, none, none) };
    if pid < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok((pid, pidfd))
    }
}

/// # Safety
///
/// Only for a process made by `clone_with_pidfd`. System calls and nothing else.
unsafe fn child(host: u32, lock: RawFd, block: Block) -> ! {
    // SAFETY: every call is a bare system call on numbers and on memory of this function; all are on the list of
    // signal-safety(7) or not in the C library at all.
    unsafe {
        libc::syscall(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0,
        );
        libc::syscall(
            libc::SYS_prctl,
            libc::PR_SET_NAME,
            c"lock-waiter".as_ptr(),
            0,
            0,
            0,
        );
        close_others(lock);
        // A host that died before the death signal was set is no longer the parent.
        let orphaned = libc::syscall(libc::SYS_getppid) != i64::from(host);
        let code = i64::from(orphaned || blocked(lock, block) != 0);
        loop {
            libc::syscall(libc::SYS_exit_group, code);
        }
    }
}

unsafe fn close_others(lock: RawFd) {
    let last = libc::c_uint::MAX;
    let lock = lock as libc::c_uint;
    // SAFETY: closes descriptors of this process only, see close_range(2).
    unsafe {
        if lock > 0 {
            libc::syscall(libc::SYS_close_range, 0, lock - 1, 0);
        }
        libc::syscall(libc::SYS_close_range, lock + 1, last, 0);
    }
}

unsafe fn blocked(lock: RawFd, block: Block) -> i64 {
    // SAFETY: flock(2) takes numbers; fcntl(2) reads the lock from this frame.
    unsafe {
        match block {
            Block::Flock(operation) => libc::syscall(libc::SYS_flock, lock, operation),
            Block::Range(range) => {
                libc::syscall(libc::SYS_fcntl, lock, libc::F_OFD_SETLKW, &raw const range)
            }
        }
    }
}
