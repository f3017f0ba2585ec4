//! A process that blocks for us. A lock belongs to the open file description, which a clone shares: it blocks in the lock
//! call, we wait for it, for a deadline and for a cancel in one poll, and end it whenever we like.
//!
//! It has our memory, not a copy: a copy of a large host takes milliseconds to make and to take down, and the end of the wait
//! would wait for the latter.
//!
//! # Safety
//!
//! The clone runs on a stack of its own, which is unmapped once it has ended, and touches no other memory: it makes system calls,
//! not by way of the C library (see [`bare`]), and nothing else. Every signal is blocked in it, so no handler of the host runs there.
//! Where such calls cannot be made it gets a copy of our memory instead.
#![expect(
    unsafe_code,
    reason = "no safe interface clones a process with an exit signal of none"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use nix::libc;
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions};

use crate::bare;

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
    stack: Stack,
}

impl Waiter {
    /// Clones a process that blocks in the call on `lock`. It ends when it has the lock, when we end, or when it is dropped.
    pub(crate) fn spawn(lock: BorrowedFd<'_>, block: Block) -> io::Result<Self> {
        let stack = Stack::new(Task {
            host: std::process::id() as isize,
            lock: lock.as_raw_fd() as usize,
            block,
        })?;
        // The clone must see no time in which a signal can run a handler.
        let old = mask(u64::MAX)?;
        let cloned = clone_with_pidfd(&stack);
        // Restoring the mask it has just reported cannot fail.
        let _ = mask(old);
        Ok(Self {
            pidfd: cloned?,
            stack,
        })
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
        let ended = rustix::io::retry_on_intr(|| {
            rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options)
        });
        // Nobody else's: the host has reaped it, or this is a fork, with a stack of its own.
        if !matches!(ended, Ok(_) | Err(Errno::CHILD)) {
            self.stack.leak();
        }
    }
}

/// What the clone does, where it finds it.
struct Task {
    host: isize,
    lock: usize,
    block: Block,
}

/// The clone's memory: its task, and above it room for a few frames.
struct Stack(*mut Task);

impl Stack {
    const SIZE: usize = 64 * 1024;

    fn new(task: Task) -> io::Result<Self> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists, see mmap(2).
        let base = unsafe { libc::mmap(std::ptr::null_mut(), Self::SIZE, rights, kind, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = base.cast::<Task>();
        // SAFETY: the mapping is ours, aligned to a page, and larger than a task.
        unsafe { base.write(task) };
        Ok(Self(base))
    }

    fn top(&self) -> *mut libc::c_void {
        self.0.cast::<u8>().wrapping_add(Self::SIZE).cast()
    }

    /// Keeps the mapping for somebody who may still use it.
    fn leak(&mut self) {
        self.0 = std::ptr::null_mut();
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it was mapped with this size, and whoever ran on it has ended.
            unsafe { libc::munmap(self.0.cast(), Self::SIZE) };
        }
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
fn clone_with_pidfd(stack: &Stack) -> io::Result<OwnedFd> {
    let memory = if bare::LEAVES_NO_TRACE {
        libc::CLONE_VM
    } else {
        0
    };
    let mut pidfd: RawFd = -1;
    // SAFETY: the clone runs `child` on a stack that nobody else uses and that outlives it; the last argument takes the pidfd, see clone(2).
    let pid = unsafe {
        libc::clone(
            child,
            stack.top(),
            libc::CLONE_PIDFD | memory,
            stack.0.cast(),
            &raw mut pidfd,
        )
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: clone(2) with CLONE_PIDFD stored a new descriptor there, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(pidfd) })
}

/// What runs in the clone. System calls and nothing else.
extern "C" fn child(task: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the task was written there before the clone, and is not touched by anybody else.
    let task = unsafe { &*task.cast::<Task>() };
    let kill = libc::SIGKILL as usize;
    call(
        libc::SYS_prctl,
        [libc::PR_SET_PDEATHSIG as usize, kill, 0, 0],
    );
    let name = c"lock-waiter".as_ptr() as usize;
    call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, name, 0, 0]);
    close_others(task.lock);
    // A host that died before the death signal was set is no longer the parent.
    let orphaned = call(libc::SYS_getppid, [0; 4]) != task.host;
    let failed = orphaned || blocked(task) != 0;
    loop {
        call(libc::SYS_exit_group, [failed.into(), 0, 0, 0]);
    }
}

fn call(number: libc::c_long, arguments: [usize; 4]) -> isize {
    // SAFETY: only the clone calls this, with numbers and with memory that is not written to while it lives.
    unsafe { bare::call(number, arguments) }
}

fn close_others(lock: usize) {
    if lock > 0 {
        call(libc::SYS_close_range, [0, lock.wrapping_sub(1), 0, 0]);
    }
    let last = libc::c_uint::MAX as usize;
    call(libc::SYS_close_range, [lock.wrapping_add(1), last, 0, 0]);
}

fn blocked(task: &Task) -> isize {
    match &task.block {
        Block::Flock(operation) => call(libc::SYS_flock, [task.lock, *operation as usize, 0, 0]),
        Block::Range(range) => {
            let range = std::ptr::from_ref(range) as usize;
            let command = libc::F_OFD_SETLKW as usize;
            call(libc::SYS_fcntl, [task.lock, command, range, 0])
        }
    }
}

#[cfg(test)]
mod tests;
