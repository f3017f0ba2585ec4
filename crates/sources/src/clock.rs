//! The kernel's own clocks: which boot it is, and when a process began.

use std::fs;
use std::io;
use std::path::Path;

use runward_canary::Stamp;

/// The boot of the kernel.
pub(crate) struct Boot {
    pub(crate) id: String,
    began: i64,
    ticks: u64,
}

impl Boot {
    pub(crate) fn read(proc: &Path) -> io::Result<Self> {
        let id = fs::read_to_string(proc.join("sys/kernel/random/boot_id"))?;
        let stat = fs::read_to_string(proc.join("stat"))?;
        let began = stat
            .lines()
            .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
        let began =
            began.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "stat has no btime"))?;
        Ok(Self {
            id: id.trim().to_owned(),
            began,
            ticks: rustix::param::clock_ticks_per_second().max(1),
        })
    }

    /// When something began that began so many ticks after the boot.
    pub(crate) fn instant(&self, ticks: u64) -> Stamp {
        let micros = u128::from(ticks) * 1_000_000 / u128::from(self.ticks);
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Stamp::from_micros(self.began.saturating_mul(1_000_000).saturating_add(micros))
    }

    /// What makes a pid an identity: no other process of any boot has the same.
    pub(crate) fn generation(&self, ticks: u64) -> String {
        format!("{}-{ticks}", self.id)
    }
}
