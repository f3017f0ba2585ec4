//! Waiting for descriptors until an instant, without polling.

use std::{os::fd::BorrowedFd, time::Instant};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Waits until one of `fds` is readable or has something urgent, or `until` has come. Answers
/// which are ready; nobody may be.
pub(crate) fn any(fds: &[BorrowedFd<'_>], until: Option<Instant>) -> Vec<bool> {
    let mut polled: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::new(fd, PollFlags::IN | PollFlags::PRI))
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
