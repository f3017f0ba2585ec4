use std::{fmt, ops::ControlFlow};

use runward_janitor::{
    Fault, FaultKind, Found, Headroom, Mark, Permit, Progress, Protect, Step as Word, Sweep,
};
use runward_lock::Name;

use crate::{
    Engine, Error, ErrorKind, Naming, StackName, headroom,
    inventory::{Inventory, Kind},
    teardown::{Event, Pass, Step, Teardown},
    world::World,
};

/// Stacks as something for a janitor to sweep: one for each name, the six kinds of its objects together.
pub struct Stacks {
    engine: Engine,
    naming: Naming,
    others: Box<dyn Fn() -> Result<Vec<String>, Fault> + Send + Sync>,
}

impl Stacks {
    /// The stacks of an engine.
    pub fn new(engine: Engine, naming: Naming) -> Self {
        Self {
            engine,
            naming,
            others: Box::new(|| Ok(Vec::new())),
        }
    }

    /// Names of apps that may have secrets and nothing else yet, or no more: those that have a lock file. Asked at each look,
    /// which fails if they cannot be told: a secret of theirs could be taken for a shorter name's.
    #[must_use]
    pub fn others(
        mut self,
        names: impl Fn() -> Result<Vec<String>, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.others = Box::new(names);
        self
    }

    fn known(&self) -> Result<Vec<StackName>, Fault> {
        let names = (self.others)()?;
        let stacks = names.iter().filter_map(|name| self.naming.stack(name).ok());
        Ok(stacks.collect())
    }

    fn found(&self, world: &World, stack: &StackName) -> Found {
        let inventory = Inventory::within(world, stack);
        let (owner, mark) = self.owner(stack);
        let mut found = Found::new(owner, stack.as_str(), mark).detail(detail(&inventory));
        if let Some(since) = inventory.since {
            found = found.since(since);
        }
        match &inventory.protected {
            Some(mark) => found.protected(protect(mark)),
            None => found,
        }
    }

    fn owner(&self, stack: &StackName) -> (Name, Mark) {
        match self.naming.owner(stack) {
            Some(name) => (Name::slug(name), Mark::Ours),
            None => (
                Name::slug(stack.as_str()),
                Mark::Missing("no domain has a stack with a dot in its name".into()),
            ),
        }
    }
}

impl Sweep for Stacks {
    fn kind(&self) -> &str {
        "stack"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        let world = World::look(&self.engine, &self.known()?).map_err(fault)?;
        let stacks = world.stacks();
        Ok(stacks
            .iter()
            .map(|stack| self.found(&world, stack))
            .collect())
    }

    fn remains(&self, owner: &Name) -> Result<Vec<Found>, Fault> {
        // What no stack can be called has no stack.
        let Ok(stack) = self.naming.stack(owner.as_str()) else {
            return Ok(Vec::new());
        };
        let mut known = self.known()?;
        known.push(stack.clone());
        let world = World::look(&self.engine, &known).map_err(fault)?;
        match Inventory::within(&world, &stack).is_empty() {
            true => Ok(Vec::new()),
            false => Ok(vec![self.found(&world, &stack)]),
        }
    }

    fn steps(&self, _: &Found) -> Vec<Word> {
        Step::ALL.map(|step| Word::new(step.as_str())).to_vec()
    }

    fn reap(&self, found: &Found, step: &Word, permit: &Permit<'_>) -> Result<Progress, Fault> {
        let mut steps = Step::ALL.into_iter();
        let step = steps.find(|known| known.as_str() == step.as_str());
        let step = step.ok_or_else(|| Fault::new(FaultKind::Other, "a stack has no such step"))?;
        let stack = StackName::new(found.id()).map_err(fault)?;
        let teardown = Teardown::new(&self.engine, stack).others(self.known()?);
        let mut ended = None;
        let mut watch = |_: &Event<'_>| match permit.check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                ended = Some(fault);
                ControlFlow::Break(())
            }
        };
        let pass = teardown.step(step, &mut watch);
        match (pass, ended) {
            (_, Some(ended)) => Err(ended),
            (Ok(Pass::Done), None) => Ok(Progress::Done),
            (Ok(Pass::Again(why)), None) => Ok(Progress::Again(why)),
            (Err(error), None) => Err(fault(error)),
        }
    }

    fn headroom(&self) -> Result<Vec<Headroom>, Fault> {
        headroom::of(&self.engine).map_err(fault)
    }
}

fn detail(inventory: &Inventory) -> String {
    let kinds = [
        Kind::Service,
        Kind::Task,
        Kind::Config,
        Kind::Secret,
        Kind::Network,
        Kind::Volume,
    ];
    let count = |kind| {
        inventory
            .objects()
            .iter()
            .filter(|o| o.kind() == kind)
            .count()
    };
    let counts = kinds.map(|kind| (kind, count(kind)));
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let mut words: Vec<_> = counts
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    words.extend(inventory.notes().map(str::to_owned));
    words.join(", ")
}

fn protect(mark: &str) -> Protect {
    let by = "the label runward.protect of the stack";
    match humantime::parse_rfc3339_weak(mark) {
        Ok(until) => Protect::until(until, by),
        Err(_) => Protect::always(by),
    }
}

fn fault(error: Error) -> Fault {
    let kind = match error.kind() {
        ErrorKind::Denied => FaultKind::Denied,
        ErrorKind::InUse | ErrorKind::Refused | ErrorKind::Missing => FaultKind::Refused,
        ErrorKind::Cancelled => FaultKind::Stopped,
        _ if error.is_unreachable() => FaultKind::Unreachable,
        _ => FaultKind::Other,
    };
    Fault::new(kind, error.to_string())
}

impl fmt::Debug for Stacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stacks")
            .field("engine", &self.engine)
            .field("naming", &self.naming)
            .finish_non_exhaustive()
    }
}
