//! A Docker engine of the bench's own, and stacks on it.

use std::ops::ControlFlow;
use std::time::Duration;

use runward_swarm::{Engine, StackName, State, Teardown, Wait};
use runward_tests::swarm::Swarm;

use crate::Result;

/// A program that ends as soon as it is asked to.
pub(crate) const OBEYS: &str =
    r#"["busybox","sh","-c","trap 'exit 0' TERM; while :; do busybox sleep 1000 & wait; done"]"#;

/// For the program to have set its trap: a signal before that is lost, and costs the ten seconds that the engine then waits.
const SETTLED: Duration = Duration::from_millis(500);

/// An engine, and our way to it.
pub(crate) struct Bed {
    pub(crate) swarm: Swarm,
    pub(crate) engine: Engine,
}

impl Bed {
    /// Why there is none, where there can be none.
    pub(crate) fn new() -> Result<Self> {
        if let Some(reason) = Swarm::lacks() {
            return Err(reason.into());
        }
        let swarm = Swarm::start();
        let engine = Engine::at(swarm.socket())?;
        Ok(Self { swarm, engine })
    }

    /// Deploys; whether all runs in that time.
    pub(crate) fn deploy(
        &self,
        stack: &StackName,
        compose: &str,
        patience: Duration,
    ) -> Result<bool> {
        self.swarm.deploy(stack.as_str(), compose);
        let wait = Wait::new(&self.engine, stack.clone()).timeout(patience);
        let arrived = wait
            .stable(SETTLED)
            .run(&mut |_| ControlFlow::Continue(()))?;
        Ok(arrived.state() == State::Settled)
    }

    /// Removes with runward, whatever is left.
    pub(crate) fn remove(&self, stack: &StackName) -> Result {
        let teardown = Teardown::new(&self.engine, stack.clone());
        let report = teardown.run(&mut |_| ControlFlow::Continue(()))?;
        match report.is_clean() {
            true => Ok(()),
            false => Err(report.to_string().into()),
        }
    }
}
