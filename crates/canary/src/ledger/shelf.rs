//! What is kept for a while: old episodes and snapshots.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::disk::{self, Readers};
use crate::{Error, Stamp};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long what opened and closed is kept.
    pub episodes: Duration,
    /// From how many bytes on a new file of episodes is begun.
    pub episode_bytes: u64,
    /// How many snapshots are kept; none at all if 0.
    pub snapshots: usize,
    /// For how long.
    pub snapshot_age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            episodes: Duration::from_secs(30 * 86_400),
            episode_bytes: 8 << 20,
            snapshots: 24,
            snapshot_age: Duration::from_secs(7 * 86_400),
        }
    }
}

/// The files of one kind in a folder, by their names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    prefix: &'static str,
    suffix: &'static str,
}

pub(super) const SNAPSHOTS: Kind = Kind {
    prefix: "",
    suffix: ".json",
};
pub(super) const EPISODES: Kind = Kind {
    prefix: "episodes-",
    suffix: ".jsonl",
};

/// Puts away a file of episodes that has become large, and removes those that are old enough.
pub(super) fn rotate(current: &Path, now: Stamp, terms: &Retention) -> Result<(), Error> {
    let size = fs::metadata(current).map_or(0, |found| found.len());
    if size >= terms.episode_bytes.max(1) {
        disk::shift(current, &current.with_file_name(EPISODES.name(now)))?;
    }
    let folder = current.parent().unwrap_or(Path::new("."));
    prune(folder, EPISODES, now, terms.episodes, usize::MAX);
    Ok(())
}

/// Keeps a snapshot, and removes those that are too many or too old.
pub(super) fn keep(
    folder: &Path,
    taken: Stamp,
    json: &str,
    terms: &Retention,
) -> Result<(), Error> {
    if terms.snapshots == 0 {
        return Ok(());
    }
    disk::folder(folder)?;
    let path = folder.join(SNAPSHOTS.name(taken));
    // One name for all of them: what a dead writer left is written over by the next.
    let new = folder.join(".new");
    disk::write(&new, json, Readers::Private)?;
    disk::put(&new, &path)?;
    prune(
        folder,
        SNAPSHOTS,
        taken,
        terms.snapshot_age,
        terms.snapshots,
    );
    Ok(())
}

/// The files of a kind, oldest first.
pub(super) fn kept(folder: &Path, kind: Kind) -> Vec<(Stamp, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter_map(|entry| {
        let name = entry.file_name();
        let stamp = kind.stamp(name.to_str()?)?;
        Some((stamp, entry.path()))
    });
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    ours
}

/// What cannot be removed is tried again the next time.
fn prune(folder: &Path, kind: Kind, now: Stamp, age: Duration, most: usize) {
    let kept = kept(folder, kind);
    let over = kept.len().saturating_sub(most);
    for (index, (stamp, path)) in kept.iter().enumerate() {
        let old = u128::from(now.since(*stamp).max(0).unsigned_abs()) > age.as_micros();
        if index < over || old {
            let _ = disk::remove(path);
        }
    }
}

impl Kind {
    fn name(self, stamp: Stamp) -> String {
        format!("{}{stamp}{}", self.prefix, self.suffix)
    }

    fn stamp(self, name: &str) -> Option<Stamp> {
        let stamp = name.strip_prefix(self.prefix)?.strip_suffix(self.suffix)?;
        Stamp::try_from(stamp.to_owned()).ok()
    }
}
