//! Which time it is, and on which boot.
use std::time::SystemTime;

use runward_canary::{Snapshot, Stamp};
use rustix::time::{ClockId, clock_gettime};

pub(super) fn now() -> Stamp {
    Stamp::of(SystemTime::now())
}

/// Microseconds since the boot, by a clock that goes on while the host sleeps and that nobody sets.
pub(super) fn boottime() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec) * 1_000_000 + part(time.tv_nsec) / 1_000
}

/// Puts the host's own marks on what was read in a cycle that began then.
pub(super) fn mark(snapshot: Snapshot, begun: u64) -> Snapshot {
    let snapshot = snapshot.with_monotonic(begun);
    match std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(boot) => snapshot.with_boot(boot.trim()),
        Err(_) => snapshot,
    }
}
