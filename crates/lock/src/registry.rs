//! Which locks this process has, by directory and name, so that it never waits for itself.
//!
//! It is the one piece of state of the process: two handles on the same directory must know of each other.
//! A fork inherits it, rightly: the fork shares the lock, and would wait for itself too.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, ErrorKind, Mode, Name, pid};

/// The device and inode of a directory.
pub(crate) type DirId = (u64, u64);

/// Shared guards of one name are told apart by a number.
type Key = (DirId, Name, u64);

struct Taken {
    pid: u32,
    mode: Mode,
    site: &'static Location<'static>,
}

#[derive(Default)]
struct Table {
    next: u64,
    taken: BTreeMap<Key, Taken>,
}

static TABLE: Mutex<Option<Table>> = Mutex::new(None);

fn table() -> MutexGuard<'static, Option<Table>> {
    // Nothing below can panic half-way through a change.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of one acquire in the registry, until it is dropped.
pub(crate) struct Slot {
    key: Key,
}

impl Slot {
    pub(crate) fn name(&self) -> &Name {
        &self.key.1
    }
}

pub(crate) fn reserve(
    dir: DirId,
    name: &Name,
    mode: Mode,
    pid: u32,
    site: &'static Location<'static>,
) -> Result<Slot, Error> {
    insert(dir, name, mode, pid, site, |taken| {
        mode == Mode::Exclusive || taken.mode == Mode::Exclusive
    })
}

/// For a lock that another process handed over: what this one inherited by fork is the same lock.
pub(crate) fn reserve_adopted(
    dir: DirId,
    name: &Name,
    site: &'static Location<'static>,
) -> Result<Slot, Error> {
    let own = pid::own();
    insert(dir, name, Mode::Exclusive, own, site, |taken| {
        taken.pid == own
    })
}

fn insert(
    dir: DirId,
    name: &Name,
    mode: Mode,
    pid: u32,
    site: &'static Location<'static>,
    conflicts: impl Fn(&Taken) -> bool,
) -> Result<Slot, Error> {
    let mut guard = table();
    let table = guard.get_or_insert_default();
    let mut key = (dir, name.clone(), 0);
    let mut same = table
        .taken
        .range(&key..)
        .take_while(|(other, _)| (other.0, &other.1) == (dir, name));
    if let Some((_, first)) = same.find(|(_, taken)| conflicts(taken)) {
        return Err(already_held(name, first.site, site));
    }
    key.2 = table.next;
    table.next += 1;
    table.taken.insert(key.clone(), Taken { pid, mode, site });
    Ok(Slot { key })
}

fn already_held(name: &Name, first: &Location<'_>, second: &Location<'_>) -> Error {
    Error::new(
        ErrorKind::AlreadyHeld,
        format!(
            "lock {name} is taken again at {second}, but this process took it at {first}; use that guard, or drop it first"
        ),
    )
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut guard = table();
        let Some(table) = guard.as_mut() else { return };
        table.taken.remove(&self.key);
    }
}
