//! The removal of a stack, in the order in which nothing leaks.

mod report;
mod step;

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use crate::{
    Engine, Error, ErrorKind, StackName,
    bell::Bell,
    data::STACK,
    engine::escape,
    inventory::{Inventory, Kind, Object},
    world::World,
};

pub use report::Report;
pub use step::{Event, Pass, Step};

/// Each round removes what has appeared during the one before; who makes more than that is alive.
const ROUNDS: usize = 5;
/// However its words change, a step is not taken more often than that.
const PASSES: usize = 300;
const PATIENCE: Duration = Duration::from_secs(30);

/// The removal of a stack.
///
/// It may be ended at any point, and begun again: each step looks anew and finds done what is done.
#[derive(Debug)]
pub struct Teardown<'a> {
    engine: &'a Engine,
    stack: StackName,
    others: Vec<StackName>,
    patience: Duration,
}

/// Who hears of the events and may end it.
type Watch<'a> = &'a mut dyn FnMut(&Event<'_>) -> ControlFlow<()>;

impl<'a> Teardown<'a> {
    /// Of a stack, all of it.
    pub fn new(engine: &'a Engine, stack: StackName) -> Self {
        Self {
            engine,
            stack,
            others: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Further stacks, as for [`Inventory::of`]: their secrets are not taken for those of this one.
    #[must_use]
    pub fn others(mut self, others: impl IntoIterator<Item = StackName>) -> Self {
        self.others = others.into_iter().collect();
        self
    }

    /// How long to try what the engine refuses, and how long a container may be there after its own time to stop. 30 seconds otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Takes all steps, until nothing is left in two looks one after the other, or nothing moves any more.
    ///
    /// # Errors
    ///
    /// When the first look fails: then nothing was removed. When the observer ends it. What is refused later is in the report.
    pub fn run(
        &self,
        watch: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut found = self.look()?;
        for _ in 0..ROUNDS {
            report.note(&found);
            report.left.clear();
            self.round(&mut report, watch)?;
            match self.look_twice() {
                Ok(None) => return Ok(report),
                Ok(Some(rest)) if rest.objects() == found.objects() => {
                    found = rest;
                    break;
                }
                Ok(Some(rest)) => found = rest,
                Err(error) => {
                    report
                        .left
                        .push(format!("what is left cannot be told: {error}"));
                    return Ok(report);
                }
            }
        }
        report.leave(&found);
        Ok(report)
    }

    /// Takes one step, once.
    ///
    /// # Errors
    ///
    /// When the engine cannot be asked, or the observer ends it.
    pub fn step(
        &self,
        step: Step,
        watch: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Pass, Error> {
        match step {
            Step::Tasks => self.await_tasks(watch),
            step => self.remove(step.kind(), watch),
        }
    }

    fn round(&self, report: &mut Report, watch: Watch<'_>) -> Result<(), Error> {
        for step in Step::ALL {
            tell(watch, &Event::Step(step))?;
            let mut heard = |event: &Event<'_>| {
                if let Event::Removed(object) = event {
                    report.removed.push((*object).clone());
                }
                watch(event)
            };
            let Some(why) = self.persist(step, &mut heard)? else {
                continue;
            };
            report.left.push(why);
            if step.is_barrier() {
                break;
            }
        }
        Ok(())
    }

    /// Takes a step until it is done, or for as long as nothing moves; why it is not done.
    fn persist(&self, step: Step, watch: Watch<'_>) -> Result<Option<String>, Error> {
        let mut bell = Bell::silent();
        let mut why = String::new();
        let mut until = Instant::now() + self.patience;
        for _ in 0..PASSES {
            let now = match self.step(step, watch) {
                Ok(Pass::Done) => return Ok(None),
                Ok(Pass::Again(why)) => why,
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                Err(error) => error.to_string(),
            };
            if now != why {
                until = Instant::now() + self.patience;
                why = now;
            } else if Instant::now() >= until {
                break;
            }
            tell(watch, &Event::Waiting(&why))?;
            bell.wait(until);
        }
        Ok(Some(why))
    }

    fn remove(&self, kind: Kind, watch: Watch<'_>) -> Result<Pass, Error> {
        let mut refused = Vec::new();
        for object in self.look()?.take(kind) {
            tell(watch, &Event::Removing(&object))?;
            match self.engine.delete(&path(&object)) {
                Ok(true) => {
                    let _ = watch(&Event::Removed(&object));
                }
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::Unreachable => return Err(error),
                Err(error) => refused.push(format!("{object}: {error}")),
            }
        }
        Ok(match refused.is_empty() {
            true => Pass::Done,
            false => Pass::Again(refused.join("; ")),
        })
    }

    /// Waits for as long as the containers may take to stop. An empty list of tasks is not enough: the engine forgets a task
    /// before its container is gone.
    fn await_tasks(&self, watch: Watch<'_>) -> Result<Pass, Error> {
        let filters = format!(
            r#"{{"type":["container"],"event":["die","destroy"],"label":["{STACK}={}"]}}"#,
            self.stack
        );
        let mut bell = Bell::hang(self.engine, &filters);
        let began = Instant::now();
        let mut grace = Duration::ZERO;
        loop {
            let world = World::look_at_work(self.engine)?;
            let running = Inventory::within(&world, &self.stack);
            if running.is_empty() {
                return Ok(Pass::Done);
            }
            let tasks: Vec<_> = running.objects().iter().map(Object::to_string).collect();
            let tasks = tasks.join(", ");
            grace = grace.max(running.grace);
            let until = began + grace + self.patience;
            if Instant::now() >= until {
                return Ok(Pass::Again(tasks));
            }
            // One that has come meanwhile would make tasks for ever.
            if running.has(Kind::Service) {
                self.remove(Kind::Service, watch)?;
            }
            tell(watch, &Event::Waiting(&tasks))?;
            bell.wait(until);
        }
    }

    fn look(&self) -> Result<Inventory, Error> {
        Inventory::of(self.engine, &self.stack, &self.others)
    }

    /// What is there in either of two looks one after the other: one may come between an object and its maker.
    fn look_twice(&self) -> Result<Option<Inventory>, Error> {
        let first = self.look()?;
        if !first.is_empty() {
            return Ok(Some(first));
        }
        Ok(Some(self.look()?).filter(|second| !second.is_empty()))
    }
}

fn tell(watch: Watch<'_>, event: &Event<'_>) -> Result<(), Error> {
    match watch(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::cancelled()),
    }
}

/// By id where there is one: whatever has taken the name meanwhile is another object.
fn path(object: &Object) -> String {
    let id = escape(&object.id);
    format!("/{}s/{id}", object.kind())
}
