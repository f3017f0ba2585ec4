//! Where a fresh lock file gets its first fence from: a number for the directory, which grows with each fresh file,
//! so that a fence grows across the removal of lock files too.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::dir::Inner;
use crate::kernel;
use crate::wait;
use crate::waiter::Block;
use crate::{Error, ErrorKind, Fence, Mode};

/// No name begins with a dot.
const FILE: &str = ".epoch";
const WIDTH: usize = 21;

/// The first fence of the next epoch: above every one before, above that of the lock file, and not below the seconds of the
/// clock, so that the sequence goes on when the directory was emptied by a reboot.
pub(crate) fn first_fence(dir: &Inner, last: Option<Fence>) -> Result<Fence, Error> {
    let file = locked(dir)?;
    crate::sync::point("epoch.locked");
    let before = read(dir, &file)?.max(last.map_or(0, Fence::epoch));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let epoch = now.max(before.saturating_add(1));
    let first = Fence::first_of(epoch).ok_or_else(|| used_up(dir))?;
    let text = format!("{epoch:<20}\n");
    let written = rustix::io::pwrite(&file, text.as_bytes(), 0)
        .map_err(|e| dir.error("cannot write", FILE, e))?;
    if written == WIDTH {
        Ok(first)
    } else {
        Err(dir.error("cannot write", FILE, rustix::io::Errno::NOSPC))
    }
}

fn used_up(dir: &Inner) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "{}, a lock file beside it or the clock is so far ahead that no fence is left; \
             correct the clock, or empty the directory while no lock is held",
            dir.path_of(FILE).display()
        ),
    )
}

fn locked(dir: &Inner) -> Result<OwnedFd, Error> {
    let file = dir.open_file(FILE)?;
    let attempt = || kernel::try_flock(file.as_fd(), Mode::Exclusive);
    let block = Block::Flock(kernel::operation(Mode::Exclusive));
    match wait::briefly(file.as_fd(), block, &attempt) {
        Ok(true) => Ok(file),
        Ok(false) => Err(Error::new(
            ErrorKind::Busy,
            format!(
                "{} has been locked for 5 s; is a process stopped?",
                dir.path_of(FILE).display()
            ),
        )),
        Err(e) => Err(dir.error("cannot lock", FILE, e)),
    }
}

fn read(dir: &Inner, file: &OwnedFd) -> Result<u64, Error> {
    let mut bytes = [0; WIDTH];
    let read =
        rustix::io::pread(file, &mut bytes, 0).map_err(|e| dir.error("cannot read", FILE, e))?;
    let text = std::str::from_utf8(&bytes[..read]).unwrap_or_default();
    Ok(text.trim_end().parse().unwrap_or(0))
}
