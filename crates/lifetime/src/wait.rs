//! Waiting for descriptors until an instant, without polling.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Something to wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct On<'a> {
    fd: BorrowedFd<'a>,
    flags: PollFlags,
}

/// There is something to read, or the other end is gone.
pub(crate) fn readable(fd: &impl AsFd) -> On<'_> {
    On {
        fd: fd.as_fd(),
        flags: PollFlags::IN,
    }
}

/// A file of the kernel's has changed since it was last read. Such a file is always readable.
pub(crate) fn changed(fd: BorrowedFd<'_>) -> On<'_> {
    On {
        fd,
        flags: PollFlags::PRI,
    }
}

/// Waits until one of these has come, or `until`. Answers which have; maybe none.
pub(crate) fn any(on: &[On<'_>], until: Option<Instant>) -> Vec<bool> {
    let mut polled: Vec<_> = on
        .iter()
        .map(|on| PollFd::from_borrowed_fd(on.fd, on.flags))
        .collect();
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut polled, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            _ => return polled.iter().map(|fd| !fd.revents().is_empty()).collect(),
        }
    }
}
