//! From three layers of options to the settings of one run: command line, then `RUNWARD_*`, then the file, then defaults.
mod environment;
mod file;
mod nearest;
mod options;
mod state;
mod sweep;
mod values;

use std::path::PathBuf;

use crate::duration::Span;
use crate::error::{Error, Result};

pub(crate) use environment::{
    consumed, inside, layer as environment_layer, places as environment_places, warn_of_typos,
};
pub(crate) use file::{ConfigFile, load};
#[cfg(test)]
pub(crate) use options::option_names;
pub(crate) use options::{Options, Places};
pub(crate) use state::StateOptions;
pub(crate) use sweep::{Stacks, SweepOptions};
pub(crate) use values::{
    AppName, CommandLine, Containment, Leaks, ParamArg, RunId, Socket, StateLayout, Strength,
};

const GRACE: Span = Span::from_secs(10);
const TEARDOWN_DEADLINE: Span = Span::from_secs(60);

/// Every option of a run with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// In the order given, without repetitions.
    pub(crate) apps: Vec<AppName>,
    pub(crate) wait: Option<Span>,
    pub(crate) deadline: Option<Span>,
    pub(crate) grace: Span,
    pub(crate) teardowns: Vec<CommandLine>,
    pub(crate) teardown_deadline: Span,
    pub(crate) leaks: Leaks,
    pub(crate) containment: Containment,
    pub(crate) require: Option<Strength>,
    pub(crate) state: Option<StateLayout>,
    pub(crate) sweep: bool,
    pub(crate) evidence: Option<PathBuf>,
    pub(crate) spec: Option<PathBuf>,
    pub(crate) params: Vec<ParamArg>,
    pub(crate) result: Option<PathBuf>,
    pub(crate) events: Option<PathBuf>,
    pub(crate) run_id: Option<RunId>,
    pub(crate) places: Places,
}

/// The first layer that says something about an option decides it; lists are taken whole, never joined.
pub(crate) fn resolve(cli: Options, env: Options, file: Options) -> Result<Settings> {
    let given = cli.or(env).or(file);
    let settings = Settings {
        apps: without_repetitions(given.app),
        wait: given.wait,
        deadline: given.deadline,
        grace: given.grace.unwrap_or(GRACE),
        teardowns: given.teardown,
        teardown_deadline: given.teardown_deadline.unwrap_or(TEARDOWN_DEADLINE),
        leaks: given.leaks.unwrap_or(Leaks::Warn),
        containment: given.containment.unwrap_or(Containment::Auto),
        require: given.require,
        state: given.state,
        sweep: given.sweep,
        evidence: given.evidence,
        spec: given.spec,
        params: given.param,
        result: given.result,
        events: given.events,
        run_id: given.run_id,
        places: given.places,
    };
    settings.check()
}

impl Settings {
    fn check(self) -> Result<Self> {
        if self.deadline.is_some_and(Span::is_zero) {
            return Err(Error::usage(
                "a deadline of 0 leaves no time for the work; leave --deadline out for none",
            ));
        }
        if self.teardown_deadline.is_zero() {
            return Err(Error::usage(
                "a teardown deadline of 0 leaves no time to clean up; the default is 60s",
            ));
        }
        if self.spec.is_some() && self.evidence.is_none() {
            return Err(Error::usage(
                "--spec judges a bundle; say with --evidence where it is to be, or leave --spec out",
            ));
        }
        if self.spec.is_none() && !self.params.is_empty() {
            return Err(Error::usage(
                "--param is for a spec; name that with --spec, or leave --param out",
            ));
        }
        match (self.containment.strength(), self.require) {
            (Some(chosen), Some(least)) if chosen < least => Err(Error::usage(format!(
                "--containment {chosen} is weaker than --require {least}; ask for {least}, or leave --containment out"
            ))),
            _ => Ok(self),
        }
    }
}

fn without_repetitions(apps: Vec<AppName>) -> Vec<AppName> {
    let mut seen = Vec::with_capacity(apps.len());
    for app in apps {
        if !seen.contains(&app) {
            seen.push(app);
        }
    }
    seen
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
