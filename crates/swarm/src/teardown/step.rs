use std::fmt;

use crate::inventory::{Kind, Object};

/// A step of a teardown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Remove the services; the engine begins to stop their tasks.
    Services,
    /// Wait until every task has ended and its container is gone.
    Tasks,
    /// Remove the configs.
    Configs,
    /// Remove the secrets.
    Secrets,
    /// Remove the networks.
    Networks,
    /// Remove the volumes.
    Volumes,
}

impl Step {
    /// All, in the order in which nothing leaks.
    pub const ALL: [Self; 6] = [
        Self::Services,
        Self::Tasks,
        Self::Configs,
        Self::Secrets,
        Self::Networks,
        Self::Volumes,
    ];

    /// Its name, in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Tasks => "tasks",
            Self::Configs => "configs",
            Self::Secrets => "secrets",
            Self::Networks => "networks",
            Self::Volumes => "volumes",
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Services => Kind::Service,
            Self::Tasks => Kind::Task,
            Self::Configs => Kind::Config,
            Self::Secrets => Kind::Secret,
            Self::Networks => Kind::Network,
            Self::Volumes => Kind::Volume,
        }
    }

    /// Whether nothing after it may be done before it is done. A network removed under a task takes the task's addresses on
    /// every other network with it, until the manager starts anew.
    pub(super) fn is_barrier(self) -> bool {
        matches!(self, Self::Services | Self::Tasks)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a step has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Nothing of its kind is left.
    Done,
    /// Something is, and why.
    Again(String),
}

/// What happens during a teardown.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A step begins. `Break` ends the teardown.
    Step(Step),
    /// An object is about to be removed. `Break` ends the teardown before that.
    Removing(&'a Object),
    /// An object was removed. The answer is ignored.
    Removed(&'a Object),
    /// What is waited for. `Break` ends the teardown.
    Waiting(&'a str),
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => write!(f, "{step}"),
            Self::Removing(object) => write!(f, "removing {object}"),
            Self::Removed(object) => write!(f, "removed {object}"),
            Self::Waiting(what) => write!(f, "waiting for {what}"),
        }
    }
}
