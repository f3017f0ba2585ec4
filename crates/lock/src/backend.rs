use std::ops::ControlFlow;
use std::process::Command;

use crate::{
    Entry, Error, Event, Fence, Guard, Kept, LockDir, Name, Record, Released, Request, State,
};

/// What keeps locks by name: a directory of this machine, or a server that several machines ask.
///
/// An implementation proves itself with the module `conformance` (feature of that name).
pub trait Locks {
    /// A lock that is held.
    type Guard: Hold;

    /// Takes the lock. See [`LockDir::acquire`] for what every implementation does.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Busy`] with a holder, [`crate::ErrorKind::Cancelled`], or why it cannot be had.
    fn acquire(
        &self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Self::Guard, Error>;

    /// Says whether the lock is held and by whom, without ever taking it.
    ///
    /// # Errors
    ///
    /// If it cannot be told. That is no evidence that the lock is free.
    fn peek(&self, name: &Name) -> Result<State, Error>;

    /// Every lock that there is.
    ///
    /// # Errors
    ///
    /// If they cannot all be told.
    fn list(&self) -> Result<Vec<Entry>, Error>;
}

/// A lock that is held, and released when this is dropped.
pub trait Hold: Send + Sized {
    /// Its name.
    fn name(&self) -> &Name;

    /// This holder's fence.
    fn fence(&self) -> Fence;

    /// Whether it is still held, and still the lock that others ask for.
    ///
    /// # Errors
    ///
    /// If that cannot be told; treat it as no.
    fn still_current(&self) -> Result<bool, Error>;

    /// What the holder before left, if that can be told: to clean up after it, if it did not release the lock itself.
    fn predecessor(&self) -> Option<&Record> {
        None
    }

    /// Tells others what this holder is doing now, where there is a way to.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::InvalidRequest`] if it is longer than 96 bytes or has control characters, or why it cannot be told.
    fn set_what(&mut self, _what: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Lets the child of this command keep the lock too.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unsupported`] where a lock cannot be shared between processes.
    fn hand_down(&mut self, command: &mut Command) -> Result<(), Error>;

    /// Releases the lock.
    ///
    /// # Errors
    ///
    /// The guard comes back, still held.
    fn close(self) -> Result<Released, Kept<Self>>;

    /// Lets go of the lock without saying that all is well, where that can be told apart, so that the next holder looks for what was left.
    fn leave(self) {
        drop(self);
    }

    /// Releases the lock and removes every trace of it.
    ///
    /// # Errors
    ///
    /// The guard comes back, still held.
    fn remove(self) -> Result<Released, Kept<Self>>;
}

impl Locks for LockDir {
    type Guard = Guard;

    #[track_caller]
    fn acquire(
        &self,
        name: &Name,
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Guard, Error> {
        Self::acquire(self, name, request, observer)
    }

    fn peek(&self, name: &Name) -> Result<State, Error> {
        Self::peek(self, name)
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        Self::list(self)
    }
}

impl Hold for Guard {
    fn name(&self) -> &Name {
        Self::name(self)
    }

    fn fence(&self) -> Fence {
        Self::fence(self)
    }

    fn still_current(&self) -> Result<bool, Error> {
        Self::still_current(self)
    }

    fn predecessor(&self) -> Option<&Record> {
        Self::predecessor(self)
    }

    fn set_what(&mut self, what: &str) -> Result<(), Error> {
        Self::set_what(self, what)
    }

    fn hand_down(&mut self, command: &mut Command) -> Result<(), Error> {
        Self::hand_down(self, command);
        Ok(())
    }

    fn close(self) -> Result<Released, Kept<Self>> {
        Self::close(self)
    }

    fn leave(self) {
        Self::leave(self);
    }

    fn remove(self) -> Result<Released, Kept<Self>> {
        Self::remove(self)
    }
}
