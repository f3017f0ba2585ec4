//! Which CI this is, and what it calls this run.
//!
//! Every value comes from the environment of a build that a pull request may have written: it is text to show, and
//! reaches a path only as a [`slug`](crate::slug).
mod detect;
mod event;
mod local;

use std::time::SystemTime;

use serde::Serialize;

use crate::duration::Span;
use crate::environment::Environment;
use crate::slug::slug_of_parts;

pub(crate) use event::pull_request_of_event;
pub(crate) use local::{is_of_a_living_process, process_id};

/// The CI systems that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ci {
    Forgejo,
    Gitea,
    #[serde(rename = "github")]
    GitHub,
    Woodpecker,
    Drone,
    #[serde(rename = "gitlab")]
    GitLab,
    Buildkite,
    Jenkins,
    Laminar,
    Nomad,
    Systemd,
    Act,
    None,
}

impl Ci {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Forgejo => "forgejo",
            Self::Gitea => "gitea",
            Self::GitHub => "github",
            Self::Woodpecker => "woodpecker",
            Self::Drone => "drone",
            Self::GitLab => "gitlab",
            Self::Buildkite => "buildkite",
            Self::Jenkins => "jenkins",
            Self::Laminar => "laminar",
            Self::Nomad => "nomad",
            Self::Systemd => "systemd",
            Self::Act => "act",
            Self::None => "none",
        }
    }
}

/// When the CI itself will end the job, where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OuterLimit {
    pub(crate) variable: &'static str,
    pub(crate) span: Span,
    /// Since when it counts, where the CI says that, too.
    pub(crate) started: Option<SystemTime>,
}

/// What the environment says about this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) ci: Ci,
    /// What together names one attempt of one job; `None` where the CI did not say.
    attempt: Vec<Option<String>>,
    pub(crate) repository: Option<String>,
    pub(crate) pull_request: Option<String>,
    pub(crate) build: Option<String>,
    pub(crate) limit: Option<OuterLimit>,
}

impl Identity {
    /// Reads the environment and nothing else.
    pub(crate) fn detect(env: &Environment) -> Self {
        detect::identity(env)
    }

    /// The run's id: one file-name component, unique per attempt. `process` names this process, and
    /// stands in for what the CI does not tell.
    pub(crate) fn run_id(&self, process: impl FnOnce() -> String) -> String {
        let told: Vec<&str> = self.attempt.iter().flatten().map(String::as_str).collect();
        let whole = !told.is_empty() && told.len() == self.attempt.len() && self.names_an_attempt();
        match (told.is_empty(), whole) {
            (_, true) => format!("{}-{}", self.ci.name(), slug_of_parts(&told)),
            (true, false) => format!("local-{}", process()),
            (false, false) => format!("{}-{}-{}", self.ci.name(), slug_of_parts(&told), process()),
        }
    }

    /// A restarted Nomad task keeps its allocation, and every process of a login session shares systemd's invocation.
    fn names_an_attempt(&self) -> bool {
        !matches!(self.ci, Ci::Nomad | Ci::Systemd)
    }
}
