use std::{
    io::{self, Read},
    time::Instant,
};

use super::http::Answering;

/// What happens at the engine, as a bell: it rings, and whoever hears it looks.
#[derive(Debug)]
pub(crate) struct Events {
    answering: Answering,
}

/// How a wait for the bell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    Yes,
    No,
    /// Nobody will ring any more.
    Gone,
}

impl Events {
    pub(super) fn of(answering: Answering) -> Self {
        Self { answering }
    }

    /// Waits until something happened, or until a time. Several happenings at once are one.
    pub(crate) fn wait(&mut self, until: Instant) -> Rung {
        if !std::mem::take(&mut self.answering.early).is_empty() {
            return Rung::Yes;
        }
        let mut part = [0; 64 * 1024];
        match self.answering.timed(until).read(&mut part) {
            Ok(0) => Rung::Gone,
            Ok(_) => Rung::Yes,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Rung::No,
                io::ErrorKind::Interrupted => Rung::No,
                _ => Rung::Gone,
            },
        }
    }
}
