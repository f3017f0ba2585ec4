//! Waiting for the engine to do something: its events wake us, and a look from time to time makes up for those that it does not send,
//! such as what happens on other nodes.

use std::time::{Duration, Instant};

use crate::{
    Engine,
    engine::{Events, Rung},
};

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// What happens at once is looked at once.
const GATHER: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Bell {
    events: Option<Events>,
    pause: Duration,
}

impl Bell {
    /// Hang it up before the first look, so that nothing falls between the two. Without events it is a clock.
    pub(crate) fn hang(engine: &Engine, filters: &str) -> Self {
        Self {
            events: engine.events(filters).ok(),
            pause: SHORTEST,
        }
    }

    /// A clock alone.
    pub(crate) fn silent() -> Self {
        Self {
            events: None,
            pause: SHORTEST,
        }
    }

    /// Returns when it is worth looking again, and not after a time.
    pub(crate) fn wait(&mut self, latest: Instant) {
        let until = (Instant::now() + self.pause).min(latest);
        match self.ring(until) {
            Rung::Yes => {
                self.pause = SHORTEST;
                std::thread::sleep(GATHER);
            }
            Rung::No => self.pause = (self.pause * 2).min(LONGEST),
            Rung::Gone => {
                self.events = None;
                self.ring(until);
            }
        }
    }

    fn ring(&mut self, until: Instant) -> Rung {
        match &mut self.events {
            Some(events) => events.wait(until),
            None => {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                Rung::No
            }
        }
    }
}
