//! What this process was given, noted before the runtime changes it, so that the program gets
//! the same.
//!
//! # Safety
//!
//! The runtime of a Rust program ignores SIGPIPE and opens `/dev/null` for closed standard
//! descriptors before `main`. What was there before can only be seen from an initialiser of the
//! object file, which runs single-threaded before it; it makes plain system calls and fills
//! statics that nothing writes afterwards.
#![expect(unsafe_code, reason = "an initialiser that runs before the runtime's")]

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

use nix::libc;

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGCHLD_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGHUP_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGINT_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGTERM_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicU8 = AtomicU8::new(0);

const WATCHED: [(i32, &AtomicBool); 5] = [
    (libc::SIGPIPE, &SIGPIPE_IGNORED),
    (libc::SIGCHLD, &SIGCHLD_IGNORED),
    (libc::SIGHUP, &SIGHUP_IGNORED),
    (libc::SIGINT, &SIGINT_IGNORED),
    (libc::SIGTERM, &SIGTERM_IGNORED),
];

extern "C" fn note() {
    for (signal, ignored) in WATCHED {
        ignored.store(is_ignored(signal), Relaxed);
    }
    let closed = (0..3)
        .filter(|&fd| is_closed(fd))
        .fold(0, |mask, fd| mask | 1 << fd);
    CLOSED.store(closed, Relaxed);
}

#[used]
// SAFETY: the loader calls each function of this section once, before `main`; `note` has the
// signature that it calls with (arguments are ignored) and needs nothing of the runtime.
#[unsafe(link_section = ".init_array")]
static NOTE: extern "C" fn() = note;

fn is_ignored(signal: i32) -> bool {
    // SAFETY: sigaction(2) with no new action only fills `old`, for which zeroes are valid.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut old) == 0
            && old.sa_sigaction == libc::SIG_IGN
    }
}

fn is_closed(fd: i32) -> bool {
    // SAFETY: fcntl(2) with F_GETFD takes no pointer and changes nothing.
    unsafe { libc::fcntl(fd, libc::F_GETFD) == -1 }
}

/// Whether `signal` was ignored when this process was started, as by `nohup(1)`.
pub(crate) fn ignored(signal: i32) -> bool {
    WATCHED
        .iter()
        .any(|(watched, ignored)| *watched == signal && ignored.load(Relaxed))
}

/// Whether the standard descriptor `fd` was closed when this process was started.
pub(crate) fn closed(fd: i32) -> bool {
    CLOSED.load(Relaxed) & (1 << fd) != 0
}
