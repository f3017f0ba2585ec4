use std::ops::ControlFlow;
use std::process::Command;

use std::time::Duration;

use crate::{
    Entry, Error, Event, Fence, Guard, Kept, LockDir, Name, Record, Released, Request, State, many,
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

    /// Takes all the locks or none, each once, in the order of their names. See [`LockDir::acquire_all`].
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire); what was taken has been released.
    #[track_caller]
    fn acquire_all(
        &self,
        names: &[Name],
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Self::Guard>, Error> {
        many::in_order(names, |name| self.acquire(name, request, observer))
    }

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

    /// What the present or the last holder has left; none if there is no such lock. [`Record::of_holder`] makes one.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    fn record(&self, name: &Name) -> Result<Option<Record>, Error>;
}

/// A lock that is held, and released when this is dropped.
pub trait Hold: Send + Sized {
    /// Its name.
    fn name(&self) -> &Name;

    /// This holder's fence.
    fn fence(&self) -> Fence;

    /// What the holder before left. See [`Guard::predecessor`].
    fn predecessor(&self) -> Option<&Record>;

    /// How long the acquire waited; nothing if the lock was free.
    fn waited(&self) -> Duration;

    /// Says that what a killed predecessor has left is finished, and leaves `trace` instead of its trace. See [`Guard::settle`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::InvalidRequest`] if the trace does not fit, or why it cannot be written.
    fn settle(&mut self, trace: &str) -> Result<(), Error>;

    /// Whether it is still held, and still the lock that others ask for.
    ///
    /// # Errors
    ///
    /// If that cannot be told; treat it as no.
    fn still_current(&self) -> Result<bool, Error>;

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

    /// Lets go of the lock without saying that all is done: the next holder finds the work unfinished.
    fn leave(self) -> Released;

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

    #[track_caller]
    fn acquire_all(
        &self,
        names: &[Name],
        request: &Request<'_>,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Guard>, Error> {
        Self::acquire_all(self, names, request, observer)
    }

    fn peek(&self, name: &Name) -> Result<State, Error> {
        Self::peek(self, name)
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        Self::list(self)
    }

    fn record(&self, name: &Name) -> Result<Option<Record>, Error> {
        Self::record(self, name)
    }
}

macro_rules! forward {
    ($owner:ty) => {
        impl<L: Locks + ?Sized> Locks for $owner {
            type Guard = L::Guard;

            #[track_caller]
            fn acquire(
                &self,
                name: &Name,
                request: &Request<'_>,
                observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
            ) -> Result<L::Guard, Error> {
                (**self).acquire(name, request, observer)
            }

            #[track_caller]
            fn acquire_all(
                &self,
                names: &[Name],
                request: &Request<'_>,
                observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
            ) -> Result<Vec<L::Guard>, Error> {
                (**self).acquire_all(names, request, observer)
            }

            fn peek(&self, name: &Name) -> Result<State, Error> {
                (**self).peek(name)
            }

            fn list(&self) -> Result<Vec<Entry>, Error> {
                (**self).list()
            }

            fn record(&self, name: &Name) -> Result<Option<Record>, Error> {
                (**self).record(name)
            }
        }
    };
}

forward!(&L);
forward!(Box<L>);

impl Hold for Guard {
    fn name(&self) -> &Name {
        Self::name(self)
    }

    fn fence(&self) -> Fence {
        Self::fence(self)
    }

    fn predecessor(&self) -> Option<&Record> {
        Self::predecessor(self)
    }

    fn waited(&self) -> Duration {
        Self::waited(self)
    }

    fn settle(&mut self, trace: &str) -> Result<(), Error> {
        Self::settle(self, trace)
    }

    fn still_current(&self) -> Result<bool, Error> {
        Self::still_current(self)
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

    fn leave(self) -> Released {
        Self::leave(self)
    }

    fn remove(self) -> Result<Released, Kept<Self>> {
        Self::remove(self)
    }
}
