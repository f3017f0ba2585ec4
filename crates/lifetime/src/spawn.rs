//! Starting a process inside its containment, as it would have been started without us.
//!
//! # Safety
//!
//! Between `clone3(2)` and `execve(2)` the child borrows this process's memory, or has a copy that
//! was taken while other threads ran. So it only makes system calls on memory prepared before
//! (`signal-safety(7)`): no allocation, no lock, no panic. Signals are blocked until just before
//! the exec, so no handler of this process runs in it.
#![expect(unsafe_code, reason = "clone3, execve and the raw calls in between")]

use std::{
    ffi::{CStr, CString, c_char},
    mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use nix::{errno::Errno, libc, sys::signal::SigSet};

use crate::{inherited, mark::Mark, program::Image};

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
    pub(crate) mark: Option<Mark<'a>>,
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

/// How the child comes to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entrance {
    /// It is born in its cgroup.
    Birth,
    /// It moves there before its exec.
    Move,
}

/// Starts `image` and answers when its exec has succeeded or failed.
///
/// Where the kernel, or a container's filter, has no birth in a cgroup, the child moves itself.
/// So it does where the newborn was killed before its exec: Linux 6.18 takes a birth into a
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
    let life = Life {
        exec: &exec,
        setup,
        entrance,
        report: write.as_raw_fd(),
    };
    let child = match entrance {
        Entrance::Birth => borrow_memory(&life),
        Entrance::Move => {
            // SAFETY: the child goes straight into `run_child`, which keeps to system calls.
            let forked = unsafe { clone(0) };
            forked.map(|forked| forked.unwrap_or_else(|| run_child(&life)))
        }
    };
    let child = child.map_err(Refused::Fork)?;
    drop(write);
    report(&read).map(|()| child)
}

/// Everything that the child needs.
struct Life<'a> {
    exec: &'a Exec<'a>,
    setup: &'a Setup<'a>,
    entrance: Entrance,
    report: RawFd,
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

/// The child's stack; what it calls is shallow.
const STACK_BYTES: usize = 64 * 1024;

/// Makes a child as `vfork(2)` does: it borrows this process's memory, on a stack of its own, and
/// this process waits until its exec. A fork would copy page tables that the exec throws away,
/// which takes longer than all the rest.
fn borrow_memory(life: &Life<'_>) -> Result<Child, Errno> {
    let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
    let mut pidfd: RawFd = -1;
    // SAFETY: zeroes are valid for every field, and mean its absence.
    let mut args: libc::clone_args = unsafe { mem::zeroed() };
    args.flags = (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD) as u64;
    args.pidfd = &raw mut pidfd as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    args.stack = stack.as_mut_ptr() as u64;
    args.stack_size = STACK_BYTES as u64;
    if let Some(cgroup) = life.setup.cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: `life` and the stack outlive the child's use of them, as this thread is suspended
    // until the exec; the child keeps to system calls on memory that is its own to change.
    let pid = unsafe { clone3_onto_stack(&args, life) };
    made(pid, pidfd).and_then(|child| child.ok_or(Errno::ENOSYS))
}

extern "C" fn child_entry(life: &Life<'_>) -> ! {
    run_child(life)
}

/// clone3(2) cannot be wrapped in a function: the child has another stack, without its frames.
///
/// # Safety
///
/// `args` must describe a stack that is large enough, and `life` outlive the child's exec.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3_onto_stack(args: &libc::clone_args, life: &Life<'_>) -> i64 {
    let answer: i64;
    // SAFETY: the call clobbers rcx and r11, which are said; the child, to which the call answers
    // 0, finds r8 and r9 as they were and leaves for a function that never returns.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r9",
            "call r8",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => answer,
            in("rdi") ptr::from_ref(args),
            in("rsi") size_of_val(args),
            in("r8") child_entry as extern "C" fn(&Life<'_>) -> !,
            in("r9") ptr::from_ref(life),
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    if answer < 0 {
        Errno::from_raw(-answer as i32).set();
        return -1;
    }
    answer
}

/// Elsewhere the child is forked, and so may share the stack.
///
/// # Safety
///
/// As for `fork(2)`.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn clone3_onto_stack(args: &libc::clone_args, life: &Life<'_>) -> i64 {
    let mut args = *args;
    args.flags &= !((libc::CLONE_VM | libc::CLONE_VFORK) as u64);
    (args.stack, args.stack_size) = (0, 0);
    // SAFETY: clone3(2) reads `args` and writes the pidfd.
    match unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) } {
        0 => child_entry(life),
        pid => pid,
    }
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
        pid => {
            // SAFETY: the kernel has just made this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Some(Child {
                pid: pid as i32,
                pidfd,
            }))
        }
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

fn run_child(life: &Life<'_>) -> ! {
    let Life {
        exec,
        setup,
        entrance,
        report,
    } = *life;
    if entrance == Entrance::Move && !move_into(setup.cgroup) {
        give_up(report, Errno::last_raw());
    }
    join_group(setup.group);
    enter_directory(setup.directory);
    connect(setup.stdio);
    restore_signals(setup.mask);
    setup.mark.iter().for_each(Mark::write);
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
