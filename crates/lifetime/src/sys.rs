//! The few system calls that no library offers as we need them.
//!
//! # Safety
//!
//! Forks happen in the guardian, which has one thread, or in an owner that was checked to have
//! one; the closing of descriptors happens in such a fork, which then uses only those it kept.
#![expect(unsafe_code, reason = "forks, raw descriptors and scheduling")]

use std::{
    fs,
    os::fd::{AsRawFd, RawFd},
    sync::OnceLock,
};

use nix::{
    errno::Errno,
    libc,
    unistd::{ForkResult, fork},
};

use crate::{
    Status,
    process::Stat,
    spawn::{self, Child},
};

/// How many threads this process has: a fork of it may do anything where that is one. None where
/// there is no `/proc` to tell.
pub(crate) fn threads() -> Option<u32> {
    Stat::own().map(|stat| stat.threads)
}

/// Forks; none is the child, which must not return into what the parent was doing but
/// [`leave_after`].
pub(crate) fn fork_process() -> nix::Result<Option<i32>> {
    // SAFETY: the caller has one thread, so no lock is held by another in the copy.
    Ok(match unsafe { fork() }? {
        ForkResult::Parent { child } => Some(child.as_raw()),
        ForkResult::Child => None,
    })
}

/// Forks with namespaces; the child runs `body` and leaves. libc does not know of this fork: the child's cached thread id is
/// stale, which matters to `raise(3)` alone.
pub(crate) fn fork_raw(
    flags: i32,
    body: impl FnOnce() -> nix::Result<i32>,
) -> Result<Child, Errno> {
    ids_before();
    // SAFETY: as above, the caller has one thread.
    match unsafe { spawn::clone(flags) }? {
        Some(child) => Ok(child),
        None => leave_after(|| body().unwrap_or(1)),
    }
}

/// The whole life of a fork. A panic ends it there: it must not unwind into what the parent was doing, whose guards it has copies of.
pub(crate) fn leave_after(life: impl FnOnce() -> i32) -> ! {
    struct Abort;
    impl Drop for Abort {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    let _unless_left = Abort;
    let code = life();
    // SAFETY: _exit(2) runs no destructors and no handlers, which belong to the parent.
    unsafe { libc::_exit(code) }
}

/// The ids that this process had when it was first asked.
pub(crate) fn ids_before() -> (u32, u32) {
    static IDS: OnceLock<(u32, u32)> = OnceLock::new();
    *IDS.get_or_init(|| {
        (
            nix::unistd::geteuid().as_raw(),
            nix::unistd::getegid().as_raw(),
        )
    })
}

/// Closes every descriptor but these, and points the standard ones to `/dev/null`.
pub(crate) fn close_all_but(kept: &[RawFd]) {
    let mut kept: Vec<RawFd> = kept.iter().copied().filter(|&fd| fd > 2).collect();
    kept.sort_unstable();
    let mut from = 3;
    for fd in kept {
        close_range(from, fd - 1);
        from = fd + 1;
    }
    close_range(from, RawFd::MAX);
    point_to_null();
}

/// Closes what this process would pass on to a program, and so has been given itself: nobody who
/// waits for the end of a pipe must wait for us. What is ours is closed on exec.
pub(crate) fn close_inherited() {
    let open = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let given: Vec<RawFd> = open
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|&fd| is_given(fd))
        .collect();
    for fd in given {
        // SAFETY: close(2) on a descriptor that nothing in this process owns.
        unsafe { libc::close(fd) };
    }
    point_to_null();
}

fn is_given(fd: RawFd) -> bool {
    // SAFETY: fcntl(2) with F_GETFD takes no pointer and changes nothing.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    fd > 2 && flags != -1 && flags & libc::FD_CLOEXEC == 0
}

fn point_to_null() {
    if let Ok(null) = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")
    {
        for fd in 0..3 {
            // SAFETY: dup2(2) on the standard descriptors, which nobody in this fork owns.
            unsafe { libc::dup2(null.as_raw_fd(), fd) };
        }
    }
}

fn close_range(first: RawFd, last: RawFd) {
    if first <= last {
        // SAFETY: close_range(2) on descriptors that this fork does not use.
        unsafe { libc::syscall(libc::SYS_close_range, first as u32, last as u32, 0) };
    }
}

/// Whose death `waitid(2)` is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Whose {
    AnyChild,
    Child(i32),
}

/// Whether the dead stay to be asked for again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    Reaped,
    Kept,
}

/// A child that has died; none where nobody has. nix and rustix do not tell of a child that a
/// real-time signal has ended, or not its pid.
pub(crate) fn death(whose: Whose, afterwards: Afterwards) -> Result<Option<(i32, Status)>, Errno> {
    let (kind, id) = match whose {
        Whose::AnyChild => (libc::P_ALL, 0),
        Whose::Child(pid) => (libc::P_PID, pid.unsigned_abs()),
    };
    let keep = if afterwards == Afterwards::Kept {
        libc::WNOWAIT
    } else {
        0
    };
    // SAFETY: zeroes are a valid siginfo_t, which waitid(2) fills; si_pid and si_status are what
    // it fills in for a child.
    let (pid, code, status) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let options = libc::WEXITED | libc::WNOHANG | keep;
        Errno::result(libc::waitid(kind, id, &raw mut info, options))?;
        (info.si_pid(), info.si_code, info.si_status())
    };
    let status = if code == libc::CLD_EXITED {
        Status::Code(status)
    } else {
        Status::Signal(status)
    };
    Ok((pid != 0).then_some((pid, status)))
}

/// Enters the real-time class where this user may, see `sched(7)`.
pub(crate) fn run_first() {
    let one = libc::sched_param { sched_priority: 1 };
    let class = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: sched_setscheduler(2) reads the structure.
    unsafe { libc::sched_setscheduler(0, class, &raw const one) };
}

#[cfg(test)]
mod tests {
    use nix::sys::{signal::Signal, wait};

    use super::*;

    #[test]
    fn a_panic_of_a_fork_ends_it_there() {
        let child = match fork_process().expect("a fork") {
            // Silent: the threads of this process may hold what a message needs.
            None => {
                std::panic::set_hook(Box::new(|_| {}));
                leave_after(|| panic!("in the fork"))
            }
            Some(child) => nix::unistd::Pid::from_raw(child),
        };
        let ended = wait::waitpid(child, None).expect("its end");
        assert!(
            matches!(ended, wait::WaitStatus::Signaled(_, Signal::SIGABRT, _)),
            "{ended:?}"
        );
    }
}
