use std::{
    ops::ControlFlow,
    time::{Duration, Instant, SystemTime},
};

use super::{Convergence, Look, State, Watched};
use crate::{Engine, Error, ErrorKind, StackName, bell::Bell};

/// As long as `abra` waits for a deploy.
const TIMEOUT: Duration = Duration::from_secs(300);
const EVENTS: &str = r#"{"type":["container","service"],"event":["create","start","die","destroy","health_status","update","remove"]}"#;

/// A wait for a deploy to arrive.
#[derive(Debug)]
pub struct Wait<'a> {
    engine: &'a Engine,
    stack: StackName,
    timeout: Duration,
    stable: Option<Duration>,
}

impl<'a> Wait<'a> {
    /// For the services of a stack, for 5 minutes.
    pub fn new(engine: &'a Engine, stack: StackName) -> Self {
        Self {
            engine,
            stack,
            timeout: TIMEOUT,
            stable: None,
        }
    }

    /// For that long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a task has to run before it counts. Otherwise as long as its service has the engine monitor a task after an
    /// update, 5 seconds where it says nothing.
    #[must_use]
    pub fn stable(mut self, stable: Duration) -> Self {
        self.stable = Some(stable);
        self
    }

    /// Waits until all services have settled, one has failed, or the time is over: then something is still in flight.
    /// The observer hears of each change; `Break` ends the wait.
    ///
    /// # Errors
    ///
    /// When the engine cannot be asked at first, or not any more at the end; when the stack has no service; when the observer ends it.
    pub fn run(
        &self,
        watch: &mut dyn FnMut(&Convergence) -> ControlFlow<()>,
    ) -> Result<Convergence, Error> {
        let until = Instant::now() + self.timeout;
        let mut bell = Bell::hang(self.engine, EVENTS);
        let mut watched = Watched::default();
        let mut last = self.look(&mut watched)?;
        loop {
            if watch(&last).is_break() {
                return Err(Error::cancelled());
            }
            if last.state() != State::InFlight {
                return Ok(last);
            }
            last = match self.next(&mut bell, &mut watched, until) {
                Some(next) => next?,
                None => return Ok(last),
            };
        }
    }

    /// The next look that the engine grants; none when the time is over.
    fn next(
        &self,
        bell: &mut Bell,
        watched: &mut Watched,
        until: Instant,
    ) -> Option<Result<Convergence, Error>> {
        while Instant::now() < until {
            bell.wait(until);
            match self.look(watched) {
                // An engine that starts anew is waited for like everything else.
                Err(error) if is_passing(&error) && Instant::now() < until => continue,
                looked => return Some(looked),
            }
        }
        None
    }

    fn look(&self, watched: &mut Watched) -> Result<Convergence, Error> {
        let look = Look::at(self.engine, &self.stack)?;
        watched.see(&look.tasks);
        Ok(look.judge(&|task| watched.time(task), self.stable, SystemTime::now()))
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Failed
            | ErrorKind::Slow
            | ErrorKind::Unreachable
            | ErrorKind::Garbled
            | ErrorKind::NotAManager
    )
}
