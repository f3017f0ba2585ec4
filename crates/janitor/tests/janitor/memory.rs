//! Another implementation of locks: in memory, as a server might keep them. That the janitor works with it shows that it asks nothing else.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runward_lock::{
    Entry, Error, ErrorKind, Event, Fence, Hold, Holder, Kept, Locks, Name, Released, Request,
    State, Wait,
};

#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<(Mutex<Table>, Condvar)>);

#[derive(Default)]
struct Table {
    locks: BTreeMap<Name, Option<Fence>>,
    fences: u64,
}

pub(crate) struct Taken {
    memory: Memory,
    name: Name,
    fence: Fence,
    since: Instant,
}

impl Memory {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, name: &Name, to: Option<Option<Fence>>) {
        let mut table = self.table();
        match to {
            Some(state) => table.locks.insert(name.clone(), state),
            None => table.locks.remove(name),
        };
        self.0.1.notify_all();
    }

    fn take(&self, name: &Name) -> Option<Taken> {
        let mut table = self.table();
        if table.locks.get(name).is_some_and(Option::is_some) {
            return None;
        }
        table.fences += 1;
        let fence = Fence::new(table.fences);
        table.locks.insert(name.clone(), Some(fence));
        Some(Taken {
            memory: self.clone(),
            name: name.clone(),
            fence,
            since: Instant::now(),
        })
    }
}

fn state(lock: Option<&Option<Fence>>) -> State {
    match lock {
        None => State::Absent,
        Some(None) => State::Free,
        Some(Some(fence)) => State::Held(Holder::remote(format!("fence {fence}"))),
    }
}

impl Locks for Memory {
    type Guard = Taken;

    fn acquire(
        &self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Taken, Error> {
        request.check()?;
        let began = Instant::now();
        loop {
            if let Some(taken) = self.take(name) {
                let _ = observer(&Event::Acquired {
                    name,
                    fence: taken.fence,
                    waited: began.elapsed(),
                });
                return Ok(taken);
            }
            let left = match request.wanted_wait() {
                Wait::Never => Duration::ZERO,
                Wait::Until(end) => end.saturating_duration_since(Instant::now()),
                Wait::Forever => Duration::from_secs(60),
            };
            if left.is_zero() {
                return Err(Error::new(ErrorKind::Busy, format!("lock {name} is held")));
            }
            drop(self.0.1.wait_timeout(self.table(), left));
        }
    }

    fn peek(&self, name: &Name) -> Result<State, Error> {
        Ok(state(self.table().locks.get(name)))
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        let table = self.table();
        let entry =
            |(name, lock): (&Name, &Option<Fence>)| Entry::new(name.clone(), state(Some(lock)), 0);
        Ok(table.locks.iter().map(entry).collect())
    }
}

impl Taken {
    fn end(self, to: Option<Option<Fence>>) -> Released {
        let released = Released::new(self.name.clone(), self.fence, self.since.elapsed());
        self.memory.set(&self.name, to);
        std::mem::forget(self);
        released
    }
}

impl Hold for Taken {
    fn name(&self) -> &Name {
        &self.name
    }

    fn fence(&self) -> Fence {
        self.fence
    }

    fn still_current(&self) -> Result<bool, Error> {
        Ok(self.memory.table().locks.get(&self.name) == Some(&Some(self.fence)))
    }

    fn hand_down(&mut self, _: &mut Command) -> Result<(), Error> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "a lock in memory stays here",
        ))
    }

    fn close(self) -> Result<Released, Kept<Self>> {
        Ok(self.end(Some(None)))
    }

    fn remove(self) -> Result<Released, Kept<Self>> {
        Ok(self.end(None))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.memory.set(&self.name, Some(None));
    }
}

#[test]
fn conforms() {
    let memory = Memory::default();
    runward_lock::conformance::check(&memory, &memory.clone(), "memory");
}
