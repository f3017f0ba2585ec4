//! Where a fresh lock file gets its first fence from: a number for the directory, which grows with each fresh file,
//! so that a fence grows across the removal of lock files too.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::counter::Counter;
use crate::dir::Inner;
use crate::{Error, ErrorKind, Fence};

/// No name begins with a dot.
const FILE: &str = ".epoch";

/// The first fence of the next epoch: above every one before, above that of the lock file, and not below the seconds of the
/// clock, so that the sequence goes on when the directory was emptied by a reboot.
pub(crate) fn first_fence(dir: &Inner, last: Option<Fence>) -> Result<Fence, Error> {
    let counter = Counter::lock(dir, FILE)?;
    crate::sync::point("epoch.locked");
    let before = counter.read()?.max(last.map_or(0, Fence::epoch));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let epoch = now.max(before.saturating_add(1));
    let first = Fence::first_of(epoch).ok_or_else(|| used_up(dir))?;
    counter.write(epoch)?;
    Ok(first)
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
