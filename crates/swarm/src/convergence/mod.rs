//! Whether a deploy has arrived.

mod judge;
mod place;
#[cfg(test)]
mod tests;
mod wait;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    Engine, Error, ErrorKind, StackName,
    data::{STACK, Service, Task, TaskState},
    engine::escape,
    world::belongs,
};
use judge::Case;

pub use judge::State;
pub use wait::Wait;

/// How far a service is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    service: String,
    state: State,
    words: String,
}

impl Progress {
    /// The name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// How far it is.
    pub fn state(&self) -> State {
        self.state
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Settled => "settled",
            State::InFlight => "in flight",
            State::Failed => "failed",
        };
        write!(f, "{}: {state}: {}", self.service, self.words)
    }
}

/// How far the services of a stack are; of a stack without services there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convergence(Vec<Progress>);

impl Convergence {
    /// The services, by name.
    pub fn services(&self) -> &[Progress] {
        &self.0
    }

    /// The state of the whole: failed as soon as one service has failed, settled when all are.
    pub fn state(&self) -> State {
        let any = |state| self.0.iter().any(|service| service.state == state);
        match (any(State::Failed), any(State::InFlight)) {
            (true, _) => State::Failed,
            (false, true) => State::InFlight,
            (false, false) => State::Settled,
        }
    }
}

/// What the engine said in one look.
#[derive(Debug)]
struct Look {
    services: Vec<Service>,
    tasks: Vec<Task>,
    current: BTreeSet<String>,
}

impl Look {
    fn at(engine: &Engine, stack: &StackName) -> Result<Self, Error> {
        let mut services: Vec<Service> = engine.get("/services")?;
        services.retain(|service| belongs(&service.spec.annotations.labels, stack));
        services.sort_by(|a, b| a.spec.annotations.name.cmp(&b.spec.annotations.name));
        if services.is_empty() {
            let socket = engine.socket().display();
            let message = format!(
                "find stack {stack} at unix://{socket}: it has no service; deploy it first"
            );
            return Err(Error::new(ErrorKind::Missing, message));
        }
        // What is current is asked before the tasks: a task that was and no longer is does not count.
        let filter = format!(r#"{{"_up-to-date":["true"],"label":["{STACK}={stack}"]}}"#);
        let current: Vec<Task> = engine.get(&format!("/tasks?filters={}", escape(&filter)))?;
        Ok(Self {
            services,
            current: current.into_iter().map(|task| task.id).collect(),
            tasks: engine.get("/tasks")?,
        })
    }

    fn judge(
        &self,
        watched: &dyn Fn(&Task) -> Duration,
        stable: Option<Duration>,
        now: SystemTime,
    ) -> Convergence {
        let judged = self.services.iter().map(|service| {
            let ours = |task: &&Task| task.service == service.id;
            let case = Case {
                service,
                tasks: self.tasks.iter().filter(ours).collect(),
                current: &self.current,
                now,
                watched,
                stable,
            };
            let (state, words) = case.judge();
            Progress {
                service: service.spec.annotations.name.clone(),
                state,
                words,
            }
        });
        Convergence(judged.collect())
    }
}

/// Since when we have seen each task run.
#[derive(Debug, Default)]
struct Watched(BTreeMap<String, Instant>);

impl Watched {
    fn see(&mut self, tasks: &[Task]) {
        let running = tasks
            .iter()
            .filter(|task| task.status.state == TaskState::Running);
        for task in running {
            self.0.entry(task.id.clone()).or_insert_with(Instant::now);
        }
    }

    fn time(&self, task: &Task) -> Duration {
        self.0
            .get(&task.id)
            .map_or(Duration::ZERO, Instant::elapsed)
    }
}
