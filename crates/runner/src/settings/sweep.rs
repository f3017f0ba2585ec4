use std::num::{NonZeroU8, NonZeroUsize};

use clap::{Args, Command, ValueEnum};
use serde::{Deserialize, Serialize};

use super::options::{long_names, one_or_many};
use super::values::{CommandLine, Socket};
use crate::duration::Span;

// What may be swept: the section [sweep] of the file, and the command line over it.
// No doc comment: it would become the help of the command that these are flattened into.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SweepOptions {
    /// Apps that may be swept: a regular expression over whole names; repeatable [default: none]
    #[arg(long, value_name = "PATTERN", help_heading = "What may be swept")]
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) app: Vec<String>,

    /// Sweep the stacks of a Docker Swarm, too; says how a stack's app is called [default: no]
    #[arg(long, value_name = "NAMES", help_heading = "What may be swept")]
    pub(crate) stacks: Option<Stacks>,

    /// The engine [default: $DOCKER_HOST, else unix:///var/run/docker.sock]
    #[arg(long, value_name = "SOCKET", help_heading = "What may be swept")]
    pub(crate) docker: Option<Socket>,

    /// At most so many apps in one pass [default: 20]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) cap: Option<NonZeroUsize>,

    /// At most so much of what is found in one pass, in percent [default: 100]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) cap_percent: Option<NonZeroU8>,

    /// At most so long for one app [default: 10m]
    #[arg(long, value_name = "DUR", help_heading = "Limits")]
    pub(crate) within: Option<Span>,

    /// Report a lock that has been held longer than this; nothing else follows from age [default: never]
    #[arg(long, value_name = "DUR", help_heading = "Limits")]
    pub(crate) overdue: Option<Span>,

    /// Asked before each object, with KIND, ID and NAME added: exit 0 lets it be reaped, all else keeps it; the first line says why
    #[arg(long, value_name = "CMD", help_heading = "Limits")]
    pub(crate) veto: Option<CommandLine>,
}

/// How an app is called by its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stacks {
    /// Stacks are not swept
    No,
    /// By its domain, whose dots are underscores in the name of the stack
    Domain,
    /// As the stack is
    Plain,
}

impl SweepOptions {
    pub(super) fn names() -> Vec<String> {
        long_names(&Self::augment_args(Command::new("sweep")))
    }

    /// This layer, and `below` for all that it leaves open.
    pub(crate) fn or(self, below: Self) -> Self {
        Self {
            app: if self.app.is_empty() {
                below.app
            } else {
                self.app
            },
            stacks: self.stacks.or(below.stacks),
            docker: self.docker.or(below.docker),
            cap: self.cap.or(below.cap),
            cap_percent: self.cap_percent.or(below.cap_percent),
            within: self.within.or(below.within),
            overdue: self.overdue.or(below.overdue),
            veto: self.veto.or(below.veto),
        }
    }
}
