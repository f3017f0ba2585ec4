use std::borrow::Cow;
use std::fmt;

use runward_lock::Name;

use crate::{Fault, Found, Headroom, Permit};

/// A kind of thing that dead runs leave: how to find all of it, and how to remove one.
///
/// It never asks whether the run lives: that is the lock's to say, and the [`Janitor`](crate::Janitor)'s to ask. Nor does it keep a
/// register: the owner of an object is computed from the object, so that nothing can be left out of it.
pub trait Sweep {
    /// What it is called in plans and audits, in one word: `stack`, `state`, `cgroup`.
    fn kind(&self) -> &str;

    /// Everything of this kind that there is, ours or not. Not called under a lock.
    ///
    /// # Errors
    ///
    /// If it cannot all be told. Then nothing is reaped, of any kind.
    fn discover(&self) -> Result<Vec<Found>, Fault>;

    /// What a listing cannot tell: asked only for what would be reaped otherwise. What is gone meanwhile is given back as it came.
    ///
    /// # Errors
    ///
    /// If it cannot be told. Then nothing is reaped, of any kind.
    fn examine(&self, found: Found) -> Result<Found, Fault> {
        Ok(found)
    }

    /// What removes it, in order.
    fn steps(&self, found: &Found) -> Vec<Step>;

    /// Takes one step. It looks at the world anew, asks the permit before each call that cannot be undone, and finds done what is
    /// already done: any step may have been taken before by a janitor that was killed.
    ///
    /// # Errors
    ///
    /// Why it cannot be done. Later steps, and kinds that come after this one, are left for another pass.
    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault>;

    /// What there is of this name now. Called under its lock.
    ///
    /// # Errors
    ///
    /// If it cannot all be told. Then nothing more of this name is reaped.
    fn remains(&self, owner: &Name) -> Result<Vec<Found>, Fault> {
        let mut all = self.discover()?;
        all.retain(|found| found.owner() == owner);
        Ok(all)
    }

    /// What this kind uses up, and how much of it there is.
    ///
    /// # Errors
    ///
    /// If it cannot be told. That is reported, and holds up nothing.
    fn headroom(&self) -> Result<Vec<Headroom>, Fault> {
        Ok(Vec::new())
    }
}

/// What a step has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What it removes is gone.
    Done,
    /// It is not gone yet, and why. The step is taken again for as long as anything moves, this text included.
    Again(String),
}

/// One step of a removal, by a short word: `services`, `networks`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step(Cow<'static, str>);

impl Step {
    /// The step of that name.
    pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
        Self(word.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! forward {
    ($($type:ty),*) => {$(
        impl<S: Sweep + ?Sized> Sweep for $type {
            fn kind(&self) -> &str {
                (**self).kind()
            }

            fn discover(&self) -> Result<Vec<Found>, Fault> {
                (**self).discover()
            }

            fn examine(&self, found: Found) -> Result<Found, Fault> {
                (**self).examine(found)
            }

            fn steps(&self, found: &Found) -> Vec<Step> {
                (**self).steps(found)
            }

            fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
                (**self).reap(found, step, permit)
            }

            fn remains(&self, owner: &Name) -> Result<Vec<Found>, Fault> {
                (**self).remains(owner)
            }

            fn headroom(&self) -> Result<Vec<Headroom>, Fault> {
                (**self).headroom()
            }
        }
    )*};
}

forward!(&S, Box<S>);
