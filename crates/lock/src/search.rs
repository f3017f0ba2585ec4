//! Which processes carry a lock. `/proc/PID/fdinfo` alone tells: it lists the locks of the very description behind a descriptor,
//! whoever took them. The link of a descriptor is read first, since that is cheap and asks no filesystem.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::table::{self, Key};
use crate::{Mode, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) pid: u32,
    pub(crate) mode: Mode,
}

/// Whether the process holds the lock, or keeps its descriptors from us.
pub(crate) fn may_hold(pid: u32, name: &Name, key: Key) -> bool {
    let wanted = HashMap::from([(name.as_str(), key)]);
    match held_by(pid, &wanted) {
        None => true,
        Some(held) => !held.is_empty(),
    }
}

/// Every visible process that holds one of these locks.
pub(crate) fn everywhere(locks: &[(&Name, Key)]) -> HashMap<Key, Vec<Found>> {
    let wanted: HashMap<&str, Key> = locks
        .iter()
        .map(|(name, key)| (name.as_str(), *key))
        .collect();
    let mut found: HashMap<Key, Vec<Found>> = HashMap::new();
    if wanted.is_empty() {
        return found;
    }
    for pid in pids() {
        for (key, mode) in held_by(pid, &wanted).unwrap_or_default() {
            let holders = found.entry(key).or_default();
            if holders.last().is_none_or(|last| last.pid != pid) {
                holders.push(Found { pid, mode });
            }
        }
    }
    found
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// None if we may not look.
fn held_by(pid: u32, wanted: &HashMap<&str, Key>) -> Option<Vec<(Key, Mode)>> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let held = fds.flatten().filter_map(|fd| {
        let key = *wanted.get(file_name(&fs::read_link(fd.path()).ok()?)?.as_str())?;
        let info = format!("/proc/{pid}/fdinfo/{}", fd.file_name().to_str()?);
        Some((
            key,
            table::fdinfo_holds(&fs::read_to_string(info).ok()?, key)?,
        ))
    });
    Some(held.collect())
}

fn file_name(link: &Path) -> Option<String> {
    let name = link.file_name()?.to_str()?;
    Some(name.strip_suffix(" (deleted)").unwrap_or(name).to_owned())
}

/// The command line in one line; its name alone if it has none, as kernel threads do.
pub(crate) fn command_of(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = if words.is_empty() {
        fs::read(format!("/proc/{pid}/comm")).unwrap_or_default()
    } else {
        words
    };
    let text = String::from_utf8_lossy(&line).replace('\0', " ");
    let shown = text
        .trim()
        .chars()
        .take(200)
        .map(|c| if c.is_control() { '?' } else { c });
    shown.collect()
}
