//! Locks of a directory that remember which of them were tried.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use runward_lock::{Entry, Error, ErrorKind, Event, Guard, LockDir, Locks, Name, Request, State};

pub(crate) struct Watched<'l> {
    locks: &'l LockDir,
    pub(crate) tried: RefCell<Vec<String>>,
    pub(crate) unlisted: Cell<bool>,
}

impl<'l> Watched<'l> {
    pub(crate) fn of(locks: &'l LockDir) -> Self {
        Self {
            locks,
            tried: RefCell::default(),
            unlisted: Cell::default(),
        }
    }
}

impl Locks for Watched<'_> {
    type Guard = Guard;

    fn acquire(
        &self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Guard, Error> {
        self.tried.borrow_mut().push(name.to_string());
        self.locks.acquire(name, request, observer)
    }

    fn peek(&self, name: &Name) -> Result<State, Error> {
        self.locks.peek(name)
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        if self.unlisted.get() {
            return Err(Error::new(ErrorKind::Io, "the list is torn"));
        }
        self.locks.list()
    }
}
