//! Looking without touching: no lock is taken here, so nobody's try can fail because of us.

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{FileType, Mode as Permissions, OFlags, RawDir};

use crate::dir::{Inner, LockDir, Place};
use crate::table::{Key, Reading};
use crate::{Error, ErrorKind, Fence, Holder, Name, Record, acquire, holder, kernel};

/// What a look at a lock found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// There is no such lock file; so nobody holds it.
    Absent,
    /// There is one, and nobody was seen to hold it. Only taking it proves that.
    Free,
    /// Somebody holds it.
    Held(Holder),
}

impl State {
    /// Whether somebody holds it.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// A lock of the directory and its state.
#[derive(Clone, Debug)]
pub struct Entry {
    name: Name,
    state: State,
    waiters: usize,
}

impl Entry {
    /// For implementations of [`crate::Locks`].
    pub fn new(name: Name, state: State, waiters: usize) -> Self {
        Self {
            name,
            state,
            waiters,
        }
    }

    /// The name of the lock.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many processes wait for it, as far as can be seen.
    pub fn waiters(&self) -> usize {
        self.waiters
    }
}

impl LockDir {
    /// Says whether the lock is held and by whom, without ever taking it.
    ///
    /// # Errors
    ///
    /// If the lock file cannot be opened or asked. That is no evidence that the lock is free.
    pub fn peek(&self, name: &Name) -> Result<State, Error> {
        Ok(match self.0.look(name)? {
            Look::Absent => State::Absent,
            Look::Free => State::Free,
            Look::Owner(record) => State::Held(Holder::owner(record)),
            Look::Unrecorded(record) => State::Held(Holder::unrecorded(record)),
            Look::Orphaned(key, record) => State::Held(holder::find(name, key, Some(record))),
        })
    }

    /// The same, but looks into every process that may hold it, and so names those that left no record too.
    /// A lock that is released while its descriptor is being read is free microseconds later.
    ///
    /// # Errors
    ///
    /// As for [`LockDir::peek`].
    pub fn inspect(&self, name: &Name) -> Result<State, Error> {
        let seen = self.peek(name)?;
        let (true, Some(file)) = (seen.is_held(), self.0.open_to_read(name.as_str())?) else {
            return Ok(seen);
        };
        Ok(State::Held(
            acquire::holder_of(&self.0, name, file.as_fd()).0,
        ))
    }

    /// Every lock of the directory, in no order; the details only of those that are held.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read to its end. That is no evidence that anything is free.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        self.0.list()
    }

    /// The record that the present or the last holder left; none if there is no lock file, or none in it.
    ///
    /// # Errors
    ///
    /// If the lock file cannot be read.
    pub fn record(&self, name: &Name) -> Result<Option<Record>, Error> {
        match self.0.open_to_read(name.as_str())? {
            Some(file) => self.0.read_record(file.as_fd(), name.as_str()),
            None => Ok(None),
        }
    }

    /// For one who was told a fence, and not given a guard: makes sure that it is that of the present holder.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Stale`] if that holder has been followed by another, has released the lock, or has lost it.
    pub fn check_fence(&self, name: &Name, fence: Fence) -> Result<(), Error> {
        let record = self.record(name)?;
        let current = record
            .as_ref()
            .is_some_and(|r| r.fence() == fence && !r.released());
        if current && self.peek(name)?.is_held() {
            return Ok(());
        }
        let now = record.map_or("no holder".to_owned(), |r| format!("fence {}", r.fence()));
        Err(Error::new(
            ErrorKind::Stale,
            format!(
                "fence {fence} of lock {name} is not current, the lock file has {now}; do nothing under it"
            ),
        ))
    }
}

/// What can be told of a lock without looking into any process.
enum Look {
    Absent,
    Free,
    Owner(Record),
    Unrecorded(Option<Record>),
    Orphaned(Key, Record),
}

/// How often a record and a lock that do not fit are looked at again: between two holders they do not, for microseconds.
const LOOKS: usize = 16;

impl Inner {
    /// A descriptor of another process is not touched where the record can be believed: `/proc` keeps the file open while it is
    /// read, and if the holder closes it just then, the lock outlives the close.
    fn look(&self, name: &Name) -> Result<Look, Error> {
        let mut unclear = Look::Absent;
        for _ in 0..LOOKS {
            let Some(file) = self.open_to_read(name.as_str())? else {
                return Ok(Look::Absent);
            };
            let held = self.is_held(name, &file)?;
            let Place::Current(ino) = self.place(file.as_fd(), name.as_str())? else {
                continue;
            };
            if !held {
                return Ok(Look::Free);
            }
            match self.read_record(file.as_fd(), name.as_str())? {
                Some(record) if !record.released() && record.owner_alive() => {
                    return Ok(Look::Owner(record));
                }
                Some(record) if record.may_be_held() => {
                    unclear = Look::Orphaned(self.key(ino), record);
                }
                record => unclear = Look::Unrecorded(record),
            }
        }
        Ok(unclear)
    }

    /// Our holders lock a range, which can be asked for. Of others, such as flock(1), only the kernel's list knows.
    fn is_held(&self, name: &Name, file: &OwnedFd) -> Result<bool, Error> {
        let asked = kernel::is_ranged(file)
            .map_err(|e| self.error("cannot ask for the lock on", name.as_str(), e))?;
        if asked {
            return Ok(true);
        }
        let stat = rustix::fs::fstat(file)
            .map_err(|e| self.error("cannot stat lock file", name.as_str(), e))?;
        let key = self.key(stat.st_ino);
        Ok(Reading::several().any(|reading| reading.held().any(|held| held == key)))
    }

    /// The inodes of the directory joined with the kernel's list, read before and after: a lock that is held throughout is in both.
    fn list(&self) -> Result<Vec<Entry>, Error> {
        let mut readings = vec![Reading::take()];
        let found = self.read_names()?;
        readings.extend(Reading::several());
        let device = self.key(0);
        let ours = |key: &Key| (key.major, key.minor) == (device.major, device.minor);
        let held = readings.iter().flat_map(Reading::held).filter(ours);
        let held: HashSet<u64> = held.map(|key| key.ino).collect();
        let (taken, free): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, ino)| held.contains(ino));
        let mut entries: Vec<Entry> = free
            .into_iter()
            .map(|(name, _)| Entry::new(name, State::Free, 0))
            .collect();
        entries.extend(self.details(taken, &readings)?);
        Ok(entries)
    }

    fn details(&self, taken: Vec<(Name, u64)>, readings: &[Reading]) -> Result<Vec<Entry>, Error> {
        let waiters = |ino: u64| {
            let counted = readings
                .iter()
                .map(|reading| reading.waiters(self.key(ino)));
            counted.max().unwrap_or(0)
        };
        let (mut entries, mut orphaned) = (Vec::new(), Vec::new());
        for (name, ino) in taken {
            match self.look(&name)? {
                Look::Absent => {}
                Look::Free => entries.push(Entry::new(name, State::Free, 0)),
                Look::Owner(record) => {
                    entries.push(Entry::new(
                        name,
                        State::Held(Holder::owner(record)),
                        waiters(ino),
                    ));
                }
                Look::Unrecorded(record) => {
                    let state = State::Held(Holder::unrecorded(record));
                    entries.push(Entry::new(name, state, waiters(ino)));
                }
                Look::Orphaned(key, record) => orphaned.push((name, key, Some(record))),
            }
        }
        let searched = holder::find_all(orphaned).into_iter();
        let entry = |(name, key, found): (Name, Key, Holder)| {
            Entry::new(name, State::Held(found), waiters(key.ino))
        };
        entries.extend(searched.map(entry));
        Ok(entries)
    }

    fn read_names(&self) -> Result<Vec<(Name, u64)>, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fail = |e| self.error("cannot list lock directory", "", e);
        let dir = rustix::fs::openat(&self.fd, ".", flags, Permissions::empty()).map_err(fail)?;
        let mut buffer = vec![MaybeUninit::uninit(); 128 * 1024];
        let mut entries = RawDir::new(dir, &mut buffer);
        let mut found = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_str().ok().and_then(Name::of_file);
            if matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown) {
                found.extend(name.map(|name| (name, entry.ino())));
            }
        }
        Ok(found)
    }
}
