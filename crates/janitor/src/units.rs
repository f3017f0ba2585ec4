//! Objects and locks joined by name: what is found in one listing of each, at no cost for each object but that of sorting it.

use std::iter::Peekable;
use std::vec::IntoIter;

use runward_lock::{Entry, Name, State};

use crate::Found;

/// All that there is of one name.
pub(crate) struct Unit {
    pub(crate) name: Name,
    /// With the number of the sweep that found it; in the order of the sweeps, and by id.
    pub(crate) objects: Vec<(usize, Found)>,
    /// None if there is no such lock file.
    pub(crate) lock: Option<State>,
}

pub(crate) struct Units {
    found: Peekable<IntoIter<(usize, Found)>>,
    locks: Peekable<IntoIter<Entry>>,
}

impl Units {
    pub(crate) fn join(mut found: Vec<(usize, Found)>, mut locks: Vec<Entry>) -> Self {
        found
            .sort_unstable_by(|(i, a), (j, b)| (a.owner(), i, a.id()).cmp(&(b.owner(), j, b.id())));
        locks.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        Self {
            found: found.into_iter().peekable(),
            locks: locks.into_iter().peekable(),
        }
    }
}

impl Iterator for Units {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let owner = self.found.peek().map(|(_, found)| found.owner());
        let lock = self.locks.peek().map(Entry::name);
        let name = match (owner, lock) {
            (Some(owner), Some(lock)) => owner.min(lock),
            (owner, lock) => owner.or(lock)?,
        }
        .clone();
        let is_its = |(_, found): &(usize, Found)| *found.owner() == name;
        let objects = std::iter::from_fn(|| self.found.next_if(is_its)).collect();
        let lock = self.locks.next_if(|entry| *entry.name() == name);
        Some(Unit {
            objects,
            lock: lock.map(|entry| entry.state().clone()),
            name,
        })
    }
}
