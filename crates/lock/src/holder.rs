use std::fmt;
use std::time::SystemTime;

use crate::Record;
use crate::identity;
use crate::search::{self, Found};
use crate::table::Key;
use crate::{Mode, Name};

/// Who holds a lock, as far as this process can see.
#[derive(Clone, Debug)]
pub struct Holder {
    kind: HolderKind,
    record: Option<Record>,
    processes: Vec<Process>,
    note: String,
}

/// How what the holder recorded and what the kernel shows fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HolderKind {
    /// The process that recorded itself lives and holds the lock. A mere look believes the record in this; a wait and its
    /// error make sure.
    Owner,
    /// The process that recorded itself is dead or has let go; others that got the descriptor from it keep the lock.
    Kept,
    /// Those who hold it have recorded nothing, or not yet: shared holders, or users of flock(1). A mere look does not name them.
    Unrecorded,
    /// It is held by somebody whom this process may not see: in another pid namespace, or of another user.
    Hidden,
    /// It is held elsewhere; the note says where.
    Remote,
}

/// A process whose open file carries the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pid: u32,
    command: String,
}

impl Process {
    pub(crate) fn new(pid: u32) -> Self {
        Self {
            pid,
            command: search::command_of(pid),
        }
    }

    /// Its pid in our namespace, when we looked. Do not signal it by that alone.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its command line, without control characters.
    pub fn command(&self) -> &str {
        &self.command
    }
}

impl Holder {
    /// A holder on another machine, described in words; for implementations of [`crate::Locks`].
    pub fn remote(note: impl Into<String>) -> Self {
        Self {
            kind: HolderKind::Remote,
            record: None,
            processes: Vec::new(),
            note: note.into(),
        }
    }

    /// Adds what the holder wrote about itself; for implementations of [`crate::Locks`].
    #[must_use]
    pub fn with_record(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    pub(crate) fn owner(record: Record) -> Self {
        let processes = vec![Process::new(record.pid())];
        Self {
            kind: HolderKind::Owner,
            record: Some(record),
            processes,
            note: String::new(),
        }
    }

    pub(crate) fn unrecorded(last: Option<Record>) -> Self {
        Self {
            kind: HolderKind::Unrecorded,
            record: last,
            processes: Vec::new(),
            note: String::new(),
        }
    }

    fn of(record: Option<Record>, found: &[Found]) -> Self {
        let open = record.as_ref().filter(|r| r.may_be_held());
        let owns = open.is_some_and(|r| r.owner_alive() && found.iter().any(|f| f.pid == r.pid()));
        let shared = found.iter().any(|f| f.mode == Mode::Shared);
        let kind = match found {
            [] => HolderKind::Hidden,
            _ if owns => HolderKind::Owner,
            _ if open.is_some() && !shared => HolderKind::Kept,
            _ => HolderKind::Unrecorded,
        };
        let processes = found.iter().map(|f| Process::new(f.pid)).collect();
        Self {
            kind,
            record,
            processes,
            note: String::new(),
        }
    }

    /// How record and kernel fit together.
    pub fn kind(&self) -> HolderKind {
        self.kind
    }

    /// What the present holder, or with [`HolderKind::Unrecorded`] the last one before it, wrote about itself.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Whether the owner is the parent of this process, or the parent of that, and so on, at this moment. If it waits for us to
    /// end, it never releases the lock while we wait for that; see [`crate::Request::refuse_ancestor`].
    pub fn is_ancestor(&self) -> bool {
        let owner = self
            .record
            .as_ref()
            .filter(|_| self.kind == HolderKind::Owner);
        owner.is_some_and(|owner| {
            identity::ancestors().any(|pid| pid == owner.pid()) && owner.owner_alive()
        })
    }

    /// The processes that hold the lock; those that merely opened the file are not among them.
    /// With [`HolderKind::Owner`] there may be more that share its descriptor.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }
}

/// Looks for the holder of one lock. The usual case, the recorded owner itself, costs one look at one process.
pub(crate) fn find(name: &Name, key: Key, record: Option<Record>) -> Holder {
    match record {
        Some(record)
            if !record.released()
                && record.owner_alive()
                && search::may_hold(record.pid(), name, key) =>
        {
            Holder::owner(record)
        }
        record => {
            let found = search::everywhere(&[(name, key)]);
            Holder::of(record, found.get(&key).map_or(&[], Vec::as_slice))
        }
    }
}

/// The same for many whose owner is not known to live, at the cost of one search.
pub(crate) fn find_all(locks: Vec<(Name, Key, Option<Record>)>) -> Vec<(Name, Key, Holder)> {
    let wanted: Vec<_> = locks.iter().map(|(name, key, _)| (name, *key)).collect();
    let found = search::everywhere(&wanted);
    let of = |key: &Key| found.get(key).map_or(&[][..], Vec::as_slice);
    let judge = |(name, key, record)| (name, key, Holder::of(record, of(&key)));
    locks.into_iter().map(judge).collect()
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.record) {
            (HolderKind::Owner, Some(record)) => {
                write!(f, "{}, {}", Listed(&self.processes), Told(record))
            }
            (HolderKind::Kept, Some(record)) => write!(
                f,
                "its owner pid {} no longer has it; kept by {} ({})",
                record.pid(),
                Listed(&self.processes),
                Told(record)
            ),
            (HolderKind::Remote, _) => f.write_str(&self.note),
            (HolderKind::Hidden, Some(record)) if record.may_be_held() => {
                write!(
                    f,
                    "a process that cannot be seen from here, recorded as pid {}, {}",
                    record.pid(),
                    Told(record)
                )
            }
            (HolderKind::Hidden, _) => f.write_str("a process that cannot be seen from here"),
            _ if self.processes.is_empty() => {
                f.write_str("a process that has left no record, or not yet")
            }
            _ => write!(f, "{}, which left no record", Listed(&self.processes)),
        }
    }
}

struct Listed<'a>(&'a [Process]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, process) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}pid {} ({})", process.pid, process.command)?;
        }
        Ok(())
    }
}

struct Told<'a>(&'a Record);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.run_id().is_empty() {
            write!(f, "run {}, ", self.0.run_id())?;
        }
        if !self.0.what().is_empty() {
            write!(f, "{}, ", self.0.what())?;
        }
        let held = SystemTime::now()
            .duration_since(self.0.since())
            .unwrap_or_default();
        write!(f, "for {} s", held.as_secs())
    }
}

#[cfg(test)]
mod tests;
