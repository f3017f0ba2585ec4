//! Starting a process inside its containment, as it would have been started without us.
//!
//! # Safety
//!
//! `clone3(2)` without `CLONE_VM` is a fork. The child may be forked from a process with
//! threads, so between fork and exec it only makes system calls on memory prepared before
//! (`signal-safety(7)`): no allocation, no lock, no panic.
#![expect(unsafe_code, reason = "clone3, execve and the raw calls in between")]

use std::{
    ffi::{CStr, CString, c_char},
    mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use nix::{errno::Errno, libc, sys::signal::SigSet};

use crate::{inherited, program::Image};

/// A child that is pinned: its pid cannot be reused before it is reaped.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
}

/// Which process group the child joins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Group {
    /// The one it was born in.
    Keep,
    /// One of its own, out of reach of the terminal and of a CI that kills groups.
    Apart,
    /// That of the owner, so that the terminal treats it as it would without us.
    Join(i32),
    /// A new one, in the foreground if the given one was.
    Lead { instead_of: i32 },
}

/// What the child does between fork and exec.
pub(crate) struct Setup<'a> {
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    pub(crate) group: Group,
    /// The signal mask that the owner was given.
    pub(crate) mask: &'a SigSet,
    /// Standard input, and standard output and error; inherited where none.
    pub(crate) stdio: Option<(BorrowedFd<'a>, BorrowedFd<'a>)>,
    /// Where to go; the root where that is gone.
    pub(crate) directory: Option<&'a CStr>,
    /// A line to append to a file when nothing can fail any more but the exec.
    pub(crate) mark: Option<(BorrowedFd<'a>, &'a [u8])>,
}

/// Why nothing was started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// No process could be made.
    Fork(Errno),
    /// The program cannot be executed.
    Exec(Errno),
}

impl Refused {
    /// As `env(1)` and `timeout(1)` have it: 127 not found, 126 found and not executable.
    pub(crate) fn code(self) -> u8 {
        match self {
            Refused::Exec(Errno::ENOENT | Errno::ENOTDIR) => 127,
            Refused::Exec(_) => 126,
            Refused::Fork(_) => 125,
        }
    }
}

/// How the child gets into its cgroup.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entrance {
    /// It is born there.
    Birth,
    /// It moves there before its exec.
    Move,
}

/// Starts `image` and answers when its exec has succeeded or failed.
///
/// Where the kernel, or a container's filter, has no birth in a cgroup, the child moves itself.
/// So it does where the newborn was killed before its exec: Linux 6.14 takes a birth into a
/// cgroup for one that `cgroup.kill` must end when the parent's own cgroup has ever been killed.
pub(crate) fn spawn(image: &Image, setup: &Setup<'_>) -> Result<Child, Refused> {
    match spawn_by(Entrance::Birth, image, setup) {
        Err(Refused::Fork(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL | Errno::ESRCH)) => {
            spawn_by(Entrance::Move, image, setup)
        }
        done => done,
    }
}

fn spawn_by(entrance: Entrance, image: &Image, setup: &Setup<'_>) -> Result<Child, Refused> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(|e| Refused::Fork(raw(e)))?;
    let exec = Exec::new(image);
    let forked = match (entrance, setup.cgroup) {
        // SAFETY: the child goes straight into `run_child`, which keeps to system calls and never returns.
        (Entrance::Birth, Some(cgroup)) => unsafe { clone3_into(cgroup) },
        // SAFETY: as above.
        _ => unsafe { clone(0) },
    };
    match forked.map_err(Refused::Fork)? {
        None => run_child(&exec, setup, entrance, write.as_raw_fd()),
        Some(child) => {
            drop(write);
            report(&read).map(|()| child)
        }
    }
}

fn raw(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

/// The child writes a byte when it is about to exec, and the errno should that fail.
const ABOUT_TO_EXEC: [u8; 1] = [1];

fn report(pipe: &OwnedFd) -> Result<(), Refused> {
    let mut bytes = [0; 5];
    let mut length = 0;
    while let Ok(read @ 1..) =
        rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut bytes[length..]))
    {
        length += read;
    }
    match length {
        0 => Err(Refused::Fork(Errno::ESRCH)),
        5 => Err(Refused::Exec(Errno::from_raw(i32::from_ne_bytes([
            bytes[1], bytes[2], bytes[3], bytes[4],
        ])))),
        _ => Ok(()),
    }
}

/// `linux/sched.h`; it does not fit the type that libc gives it.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// Forks with `clone3(2)` into a cgroup, so that the child never is outside; none is the child.
///
/// # Safety
///
/// As for `fork(2)`: a child of a process with threads may only make async-signal-safe calls.
unsafe fn clone3_into(cgroup: BorrowedFd<'_>) -> Result<Option<Child>, Errno> {
    let mut pidfd: RawFd = -1;
    // SAFETY: zeroes are valid for every field, and mean its absence.
    let mut args: libc::clone_args = unsafe { mem::zeroed() };
    args.flags = CLONE_INTO_CGROUP | libc::CLONE_PIDFD as u64;
    args.cgroup = cgroup.as_raw_fd() as u64;
    args.pidfd = &raw mut pidfd as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    // SAFETY: clone3(2) reads `args` and writes the pidfd; without CLONE_VM the stack is copied.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
    made(pid, pidfd)
}

/// Forks with `clone(2)`, which filters let pass that do not know `clone3(2)`.
///
/// # Safety
///
/// As for `fork(2)`.
pub(crate) unsafe fn clone(flags: i32) -> Result<Option<Child>, Errno> {
    let mut pidfd: RawFd = -1;
    let flags = i64::from(flags | libc::CLONE_PIDFD | libc::SIGCHLD);
    let none = ptr::null_mut::<libc::c_void>();
    // SAFETY: clone(2) writes the pidfd to its third argument; without CLONE_VM the stack is
    // copied, and a null stack means this one. The order of arguments is that of all Linux
    // architectures but s390, with the two last ones unused.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, &raw mut pidfd, none, none) };
    made(pid, pidfd)
}

fn made(pid: i64, pidfd: RawFd) -> Result<Option<Child>, Errno> {
    match pid {
        -1 => Err(Errno::last()),
        0 => Ok(None),
        // SAFETY: the kernel has just made this descriptor for us.
        pid => Ok(Some(Child {
            pid: pid as i32,
            pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
        })),
    }
}

/// Pointer tables for `execve(2)`, and one for a script without `#!`, which `execvp(3)` hands
/// to the shell.
struct Exec<'a> {
    paths: &'a [CString],
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    script: Vec<*const c_char>,
}

const SHELL: &CStr = c"/bin/sh";

impl<'a> Exec<'a> {
    fn new(image: &'a Image) -> Self {
        let table = |strings: &[CString]| -> Vec<_> {
            strings
                .iter()
                .map(|s| s.as_ptr())
                .chain([ptr::null()])
                .collect()
        };
        let argv = table(&image.argv);
        let script = [SHELL.as_ptr(), ptr::null()]
            .into_iter()
            .chain(argv.iter().skip(1).copied())
            .collect();
        Self {
            paths: &image.paths,
            argv,
            envp: table(&image.envp),
            script,
        }
    }

    /// Tries each path as `execvp(3)` does, and answers with the errno that tells most.
    fn exec(&self) -> i32 {
        let mut refused = libc::ENOENT;
        for path in self.paths {
            match self.try_path(path) {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => refused = libc::EACCES,
                errno => return errno,
            }
        }
        refused
    }

    fn try_path(&self, path: &CStr) -> i32 {
        // SAFETY: the tables end in null and point into strings that outlive them.
        unsafe { libc::execve(path.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr()) };
        let errno = Errno::last_raw();
        if errno == libc::ENOEXEC {
            let script = self.script.as_ptr().cast_mut();
            // SAFETY: the second slot was kept free for the path; this is the child's own copy.
            unsafe {
                *script.add(1) = path.as_ptr();
                libc::execve(SHELL.as_ptr(), script, self.envp.as_ptr());
            }
        }
        errno
    }
}

fn run_child(exec: &Exec<'_>, setup: &Setup<'_>, entrance: Entrance, report: RawFd) -> ! {
    if entrance == Entrance::Move && !move_into(setup.cgroup) {
        give_up(report, Errno::last_raw());
    }
    join_group(setup.group);
    enter_directory(setup.directory);
    connect(setup.stdio);
    restore_signals(setup.mask);
    if let Some((file, line)) = setup.mark {
        // SAFETY: write(2) on an open descriptor and a live buffer.
        unsafe { libc::write(file.as_raw_fd(), line.as_ptr().cast(), line.len()) };
    }
    // SAFETY: write(2) on an open descriptor and a live buffer.
    unsafe { libc::write(report, ABOUT_TO_EXEC.as_ptr().cast(), 1) };
    give_up(report, exec.exec())
}

fn give_up(report: RawFd, errno: i32) -> ! {
    let bytes = errno.to_ne_bytes();
    // SAFETY: write(2) and _exit(2).
    unsafe {
        libc::write(report, bytes.as_ptr().cast(), bytes.len());
        libc::_exit(127)
    }
}

fn move_into(cgroup: Option<BorrowedFd<'_>>) -> bool {
    let Some(cgroup) = cgroup else { return true };
    // SAFETY: openat(2) and write(2) on strings that end in NUL.
    unsafe {
        let members = libc::openat(
            cgroup.as_raw_fd(),
            c"cgroup.procs".as_ptr(),
            libc::O_WRONLY | libc::O_CLOEXEC,
        );
        libc::write(members, c"0".as_ptr().cast(), 1) == 1
    }
}

/// Failing is harmless here: the group may have died with the owner.
fn join_group(group: Group) {
    // SAFETY: setpgid(2), tcgetpgrp(3) and tcsetpgrp(3) take integers; SIGTTOU is still blocked.
    unsafe {
        match group {
            Group::Keep => {}
            Group::Apart => {
                libc::setpgid(0, 0);
            }
            Group::Join(id) => {
                libc::setpgid(0, id);
            }
            Group::Lead { instead_of } => {
                libc::setpgid(0, 0);
                if libc::tcgetpgrp(0) == instead_of {
                    libc::tcsetpgrp(0, libc::getpid());
                }
            }
        }
    }
}

fn enter_directory(directory: Option<&CStr>) {
    if let Some(directory) = directory {
        // SAFETY: chdir(2) on strings that end in NUL.
        unsafe {
            if libc::chdir(directory.as_ptr()) != 0 {
                libc::chdir(c"/".as_ptr());
            }
        }
    }
}

fn connect(stdio: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>) {
    // SAFETY: dup2(2) and close(2) on descriptors of this process alone.
    unsafe {
        if let Some((input, output)) = stdio {
            libc::dup2(input.as_raw_fd(), 0);
            libc::dup2(output.as_raw_fd(), 1);
            libc::dup2(output.as_raw_fd(), 2);
            return;
        }
        for fd in (0..3).filter(|&fd| inherited::closed(fd)) {
            libc::close(fd);
        }
    }
}

/// The mask and the dispositions that the owner was given; handlers are reset by the exec.
fn restore_signals(mask: &SigSet) {
    // SAFETY: signal(2) with SIG_IGN or SIG_DFL, pthread_sigmask(3) with a valid set.
    unsafe {
        for signal in [libc::SIGPIPE, libc::SIGCHLD] {
            let ignored = inherited::ignored(signal);
            libc::signal(
                signal,
                if ignored {
                    libc::SIG_IGN
                } else {
                    libc::SIG_DFL
                },
            );
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, mask.as_ref(), ptr::null_mut());
    }
}
