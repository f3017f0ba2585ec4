use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{
    Entry, Error, ErrorKind, Event, Fence, Hold, Holder, Kept, Locks, Name, Record, Released,
    Request, State, Wait,
};

/// Locks in the memory of one process: the smallest other implementation of [`Locks`], for tests of what is generic over them.
#[derive(Clone, Default)]
pub struct Memory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    bank: Mutex<Bank>,
    changed: Condvar,
}

#[derive(Default)]
struct Bank {
    fence: u64,
    slots: BTreeMap<Name, Slot>,
}

#[derive(Default)]
struct Slot {
    held: bool,
    record: Option<Vec<u8>>,
}

impl Slot {
    fn record(&self) -> Option<Record> {
        Record::from_bytes(self.record.as_ref()?)
    }

    fn holder(&self) -> Holder {
        let holder = Holder::remote("somebody in this memory");
        match self.record() {
            Some(record) => holder.with_record(record),
            None => holder,
        }
    }

    fn state(&self) -> State {
        if self.held {
            State::Held(self.holder())
        } else {
            State::Free
        }
    }
}

impl Bank {
    fn grant(&mut self, name: &Name, request: &Request<'_>) -> (Record, Option<Record>) {
        self.fence += 1;
        let slot = self.slots.entry(name.clone()).or_default();
        let predecessor = slot.record();
        let record = Record::of_holder(Fence::new(self.fence), request, predecessor.as_ref());
        slot.held = true;
        slot.record = Some(record.as_bytes().to_vec());
        (record, predecessor)
    }
}

/// A lock of a [`Memory`].
pub struct Held {
    memory: Memory,
    name: Name,
    record: Record,
    predecessor: Option<Record>,
    waited: Duration,
    since: Instant,
    marks: bool,
}

impl Memory {
    fn bank(&self) -> MutexGuard<'_, Bank> {
        self.0.bank.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns with the lock of the bank once the slot is free.
    fn free<'a>(
        &'a self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
        started: Instant,
    ) -> Result<MutexGuard<'a, Bank>, Error> {
        let mut bank = self.bank();
        while let Some(slot) = bank.slots.get(name).filter(|slot| slot.held) {
            let holder = slot.holder();
            let busy = |kind| Error::new(kind, format!("lock {name} is held by {holder}"));
            let left = match request.wanted_wait() {
                Wait::Never => Duration::ZERO,
                Wait::Until(at) => at.saturating_duration_since(Instant::now()),
                Wait::Forever => Duration::from_secs(1),
            };
            if left.is_zero() {
                return Err(busy(ErrorKind::Busy).with_holder(holder.clone()));
            }
            let event = Event::Waiting {
                name,
                holder: &holder,
                elapsed: started.elapsed(),
                waiters: 1,
            };
            if observer(&event).is_break() {
                return Err(busy(ErrorKind::Cancelled).with_holder(holder.clone()));
            }
            let pause = request.wanted_tick().map_or(left, |tick| tick.min(left));
            let woken = self.0.changed.wait_timeout(bank, pause);
            bank = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(bank)
    }
}

impl Locks for Memory {
    type Guard = Held;

    fn acquire(
        &self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Held, Error> {
        request.check()?;
        let started = Instant::now();
        let mut bank = self.free(name, request, observer, started)?;
        let (record, predecessor) = bank.grant(name, request);
        drop(bank);
        let (fence, waited) = (record.fence(), started.elapsed());
        let _ = observer(&Event::Acquired {
            name,
            fence,
            waited,
        });
        Ok(Held {
            memory: self.clone(),
            name: name.clone(),
            marks: !predecessor.as_ref().is_some_and(Record::is_unfinished),
            record,
            predecessor,
            waited,
            since: Instant::now(),
        })
    }

    fn peek(&self, name: &Name) -> Result<State, Error> {
        let bank = self.bank();
        Ok(bank.slots.get(name).map_or(State::Absent, Slot::state))
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        let entry = |(name, slot): (&Name, &Slot)| Entry::new(name.clone(), slot.state(), 0);
        Ok(self.bank().slots.iter().map(entry).collect())
    }

    fn record(&self, name: &Name) -> Result<Option<Record>, Error> {
        Ok(self.bank().slots.get(name).and_then(Slot::record))
    }
}

impl Held {
    fn put(&self) {
        if let Some(slot) = self.memory.bank().slots.get_mut(&self.name) {
            slot.record = Some(self.record.as_bytes().to_vec());
        }
    }

    fn released(&self) -> Released {
        Released::new(self.name.clone(), self.fence(), self.since.elapsed())
    }
}

impl Hold for Held {
    fn name(&self) -> &Name {
        &self.name
    }

    fn fence(&self) -> Fence {
        self.record.fence()
    }

    fn predecessor(&self) -> Option<&Record> {
        self.predecessor.as_ref()
    }

    fn waited(&self) -> Duration {
        self.waited
    }

    fn settle(&mut self, trace: &str) -> Result<(), Error> {
        self.record.set_trace(trace)?;
        self.put();
        self.marks = true;
        Ok(())
    }

    fn still_current(&self) -> Result<bool, Error> {
        Ok(true)
    }

    fn hand_down(&mut self, _: &mut Command) -> Result<(), Error> {
        let text = format!("lock {} lives in the memory of one process", self.name);
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    fn close(self) -> Result<Released, Kept<Self>> {
        Ok(self.released())
    }

    fn leave(mut self) -> Released {
        self.marks = false;
        self.released()
    }

    fn remove(mut self) -> Result<Released, Kept<Self>> {
        self.marks = false;
        self.memory.bank().slots.remove(&self.name);
        Ok(self.released())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.marks {
            self.record.set_released();
            self.put();
        }
        if let Some(slot) = self.memory.bank().slots.get_mut(&self.name) {
            slot.held = false;
        }
        self.memory.0.changed.notify_all();
    }
}
