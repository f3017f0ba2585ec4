//! The stacks of a Docker Swarm, as far as this sweep was asked to look at them.
use std::cell::OnceCell;

use runward_janitor::{Fault, FaultKind, Found, Headroom, Permit, Progress, Step, Sweep};
use runward_lock::{LockDir, Name};
use runward_swarm::{Engine, Naming, Stacks};

use super::living::Owned;
use crate::places::Directories;
use crate::settings::{self, Socket, SweepOptions};

/// An engine that does not answer is a discovery that failed, and no reason not to begin.
pub(super) struct Deferred {
    naming: Naming,
    docker: Option<Socket>,
    locks: LockDir,
    stacks: OnceCell<Stacks>,
    owned: Owned,
}

pub(super) fn wanted(
    options: &SweepOptions,
    locks: &LockDir,
    directories: &Directories,
) -> Option<Deferred> {
    let naming = match options.stacks? {
        settings::Stacks::No => return None,
        settings::Stacks::Domain => Naming::Domain,
        settings::Stacks::Plain => Naming::Plain,
    };
    Some(Deferred {
        naming,
        docker: options.docker.clone(),
        locks: locks.clone(),
        stacks: OnceCell::new(),
        owned: Owned::new(directories.clone()),
    })
}

/// The engine of the option, or that of the environment.
pub(crate) fn engine(docker: Option<&Socket>) -> Result<Engine, runward_swarm::Error> {
    docker.map_or_else(Engine::of_environment, |socket| Engine::at(socket.path()))
}

impl Deferred {
    fn stacks(&self) -> Result<&Stacks, Fault> {
        if let Some(stacks) = self.stacks.get() {
            return Ok(stacks);
        }
        let engine = engine(self.docker.as_ref())
            .map_err(|e| Fault::new(FaultKind::Unreachable, e.to_string()))?;
        let locks = self.locks.clone();
        let stacks = Stacks::new(engine, self.naming).others(move || names(&locks));
        Ok(self.stacks.get_or_init(|| stacks))
    }
}

/// Apps that may have secrets and nothing else.
fn names(locks: &LockDir) -> Result<Vec<String>, Fault> {
    let all = locks.list();
    let all = all.map_err(|e| Fault::new(FaultKind::Other, e.to_string()))?;
    Ok(all.iter().map(|lock| lock.name().to_string()).collect())
}

impl Sweep for Deferred {
    fn kind(&self) -> &str {
        "stack"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        self.stacks()?.discover()
    }

    fn examine(&self, found: Found) -> Result<Found, Fault> {
        self.owned.spare(self.stacks()?.examine(found)?)
    }

    fn steps(&self, found: &Found) -> Vec<Step> {
        self.stacks()
            .map_or_else(|_| Vec::new(), |stacks| stacks.steps(found))
    }

    fn reap(&self, found: &Found, step: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        self.stacks()?.reap(found, step, permit)
    }

    fn remains(&self, owner: &Name) -> Result<Vec<Found>, Fault> {
        self.stacks()?.remains(owner)
    }

    fn headroom(&self) -> Result<Vec<Headroom>, Fault> {
        self.stacks()?.headroom()
    }
}
