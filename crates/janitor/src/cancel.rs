use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Whether the descriptor can be read from, or its other end is gone.
pub(crate) fn is_ready(fd: BorrowedFd<'_>) -> bool {
    wait(Some(fd), Duration::ZERO)
}

/// Waits that long, or until the descriptor is ready; says which.
pub(crate) fn wait(fd: Option<BorrowedFd<'_>>, time: Duration) -> bool {
    let Ok(time) = Timespec::try_from(time) else {
        return false;
    };
    let mut fds: Vec<PollFd<'_>> = fd.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    // A signal shortens a pause, which does no harm.
    poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0)
}
