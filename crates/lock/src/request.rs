use std::borrow::Cow;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::record::{RUN_ID_MAX, TRACE_MAX, WHAT_MAX};
use crate::{Error, ErrorKind};

/// How long to wait for a busy lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Not at all: busy is an error at once.
    Never,
    /// Until this moment.
    Until(Instant),
    /// Until it is free.
    #[default]
    Forever,
}

/// Whether others may hold the lock at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One holder.
    #[default]
    Exclusive,
    /// Any number of shared holders, and no exclusive one. They leave no record and make no new fence.
    Shared,
}

/// In which order those who wait get in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Whoever is quickest when the lock becomes free; nearly that of arrival, but a newcomer may overtake.
    #[default]
    Any,
    /// That of arrival, among all who ask for it.
    Arrival,
}

/// What an acquirer wants, and what it tells others about itself.
///
/// A text is refused when the lock is taken if it is longer than its field or has control characters.
#[derive(Clone, Debug, Default)]
#[must_use = "a request does nothing until it is given to `acquire`"]
pub struct Request<'a> {
    pub(crate) run_id: Cow<'a, str>,
    pub(crate) what: Cow<'a, str>,
    pub(crate) trace: Cow<'a, str>,
    pub(crate) mode: Mode,
    pub(crate) order: Order,
    pub(crate) wait: Wait,
    pub(crate) tick: Option<Duration>,
    pub(crate) cancel: Option<BorrowedFd<'a>>,
    pub(crate) refuse_ancestor: bool,
}

impl<'a> Request<'a> {
    /// An exclusive lock, for which it waits for ever.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of the run that asks; at most 96 bytes.
    pub fn run_id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.run_id = id.into();
        self
    }

    /// What the holder will be doing; at most 96 bytes.
    pub fn what(mut self, what: impl Into<Cow<'a, str>>) -> Self {
        self.what = what.into();
        self
    }

    /// Where the holder's own journal is, for whoever has to clean up after it; at most 400 bytes.
    pub fn trace(mut self, trace: impl Into<Cow<'a, str>>) -> Self {
        self.trace = trace.into();
        self
    }

    /// Exclusive or shared.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The order among those who wait.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// How long to wait.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// How often to tell the observer who holds the lock. Without it, it is told once and the wait costs no wake-up.
    pub fn tick(mut self, every: Duration) -> Self {
        self.tick = Some(every.max(Duration::from_millis(1)));
        self
    }

    /// A descriptor whose readability wakes the wait, and asks the observer whether to go on.
    pub fn cancel_on(mut self, fd: BorrowedFd<'a>) -> Self {
        self.cancel = Some(fd);
        self
    }

    /// Whether to fail instead of waiting for a holder that is an ancestor of this process: one that waits for its children would
    /// never release the lock. It is looked for when the wait begins and at each tick. Without it the wait goes on, and its events
    /// tell by [`crate::Holder::is_ancestor`].
    pub fn refuse_ancestor(mut self, refuse: bool) -> Self {
        self.refuse_ancestor = refuse;
        self
    }

    /// Whether it refuses to wait for an ancestor; for implementations of [`crate::Locks`].
    pub fn refuses_ancestor(&self) -> bool {
        self.refuse_ancestor
    }

    /// Whether others may hold it too; for implementations of [`crate::Locks`].
    pub fn wanted_mode(&self) -> Mode {
        self.mode
    }

    /// How long it waits; for implementations of [`crate::Locks`].
    pub fn wanted_wait(&self) -> Wait {
        self.wait
    }

    /// How often the observer is told; for implementations of [`crate::Locks`].
    pub fn wanted_tick(&self) -> Option<Duration> {
        self.tick
    }

    /// What wakes the wait; for implementations of [`crate::Locks`].
    pub fn wanted_cancel(&self) -> Option<BorrowedFd<'a>> {
        self.cancel
    }

    /// Run id, what and trace; for implementations of [`crate::Locks`].
    pub fn texts(&self) -> (&str, &str, &str) {
        (&self.run_id, &self.what, &self.trace)
    }

    /// Whether every text fits its field; for implementations of [`crate::Locks`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] names the text that does not.
    pub fn check(&self) -> Result<(), Error> {
        check_text("run id", &self.run_id, RUN_ID_MAX)?;
        check_text("what", &self.what, WHAT_MAX)?;
        check_text("trace", &self.trace, TRACE_MAX)
    }
}

pub(crate) fn check_text(field: &str, text: &str, max: usize) -> Result<(), Error> {
    let reason = match text {
        long if long.len() > max => format!("is longer than {max} bytes"),
        plain if plain.bytes().all(|b| b.is_ascii_graphic()) => return Ok(()),
        odd if odd.chars().any(char::is_control) => "has a control character".to_owned(),
        padded if padded.ends_with(' ') => "ends with a space".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::new(
        ErrorKind::InvalidRequest,
        format!("the {field} of the lock request {reason}; shorten or clean it"),
    ))
}
