use std::path::PathBuf;

use clap::{Args, Command};
use serde::{Deserialize, Deserializer};

use super::values::{
    AppName, CommandLine, Containment, Leaks, ParamArg, RunId, StateLayout, Strength,
};
use crate::duration::Span;

// One layer of options; the same names on the command line, in the environment and in the file.
// No doc comment: it would become the help of the command that these are flattened into.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// Own this name for the whole run; repeatable, all or none [default: no lock]
    #[arg(long, value_name = "NAME", help_heading = "Ownership")]
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) app: Vec<AppName>,

    /// How long to wait for a busy app; 0 fails at once [default: for ever]
    #[arg(long, value_name = "DUR", help_heading = "Ownership")]
    pub(crate) wait: Option<Span>,

    /// The work must have ended this long after the start of the run, waiting included [default: what the CI leaves, else none]
    #[arg(long, value_name = "DUR", help_heading = "Lifetime")]
    pub(crate) deadline: Option<Span>,

    /// Between asking the work to end and killing it [default: 10s]
    #[arg(long, value_name = "DUR", help_heading = "Lifetime")]
    pub(crate) grace: Option<Span>,

    /// Run at the end, however the run ended, even after a SIGKILL of runward; repeatable, in order; no shell
    #[arg(long, value_name = "CMD", help_heading = "Lifetime")]
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) teardown: Vec<CommandLine>,

    /// For each teardown [default: 60s]
    #[arg(long, value_name = "DUR", help_heading = "Lifetime")]
    pub(crate) teardown_deadline: Option<Span>,

    /// What processes left by the program mean; all but `allow` end them [default: warn]
    #[arg(long, value_name = "POLICY", help_heading = "Lifetime")]
    pub(crate) leaks: Option<Leaks>,

    /// How the process tree is held [default: auto: cgroup where this host lets us, else subreaper]
    #[arg(long, value_name = "HOW", help_heading = "Lifetime")]
    pub(crate) containment: Option<Containment>,

    /// Refuse to start with a weaker containment than this [default: none]
    #[arg(long, value_name = "CONTAINMENT", help_heading = "Lifetime")]
    pub(crate) require: Option<Strength>,

    /// Give the run a private state directory: `abra`, or a file that describes the tool's [default: none]
    #[arg(
        long,
        value_name = "abra|FILE",
        help_heading = "State",
        overrides_with = "no_state"
    )]
    pub(crate) state: Option<StateLayout>,

    /// No state directory, whatever the environment or the file says
    #[arg(long, help_heading = "State", overrides_with = "state")]
    pub(crate) no_state: bool,

    /// Sweep what dead runs left before the work, as `runward sweep` would
    #[arg(long, help_heading = "State")]
    pub(crate) sweep: bool,

    /// Seal what the program puts into RUNWARD_EVIDENCE_DIR as a bundle there: a directory that is empty or not there yet
    #[arg(long, value_name = "DIR", help_heading = "Evidence")]
    pub(crate) evidence: Option<PathBuf>,

    /// Judge the bundle by this spec; the verdict joins the exit code [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub(crate) spec: Option<PathBuf>,

    /// A parameter of the spec, within its bounds; repeatable [default: as the spec has it]
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Evidence")]
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) param: Vec<ParamArg>,

    /// Write the record of the run there, as JSON, all or nothing
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) result: Option<PathBuf>,

    /// Append events there, as JSON lines
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) events: Option<PathBuf>,

    /// The run's id [default: from the CI's environment, unique per attempt]
    #[arg(long, value_name = "ID", help_heading = "Output")]
    pub(crate) run_id: Option<RunId>,

    #[command(flatten)]
    #[serde(skip)]
    pub(crate) places: Places,
}

// Where locks and run directories live; in the file these stand outside the sections.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Places {
    /// Directory of the locks [default: /run/runward/locks for root, else $XDG_RUNTIME_DIR/runward/locks]
    #[arg(long, value_name = "DIR", help_heading = "Places")]
    pub(crate) lock_dir: Option<PathBuf>,

    /// Run directories and journals [default: /var/lib/runward for root, else $XDG_STATE_HOME/runward]
    #[arg(long, value_name = "DIR", help_heading = "Places")]
    pub(crate) home: Option<PathBuf>,
}

impl Options {
    /// This layer, and `below` for all that it leaves open.
    pub(super) fn or(self, below: Self) -> Self {
        Self {
            app: either(self.app, below.app),
            wait: self.wait.or(below.wait),
            deadline: self.deadline.or(below.deadline),
            grace: self.grace.or(below.grace),
            teardown: either(self.teardown, below.teardown),
            teardown_deadline: self.teardown_deadline.or(below.teardown_deadline),
            leaks: self.leaks.or(below.leaks),
            containment: self.containment.or(below.containment),
            require: self.require.or(below.require),
            state: self.state.or(below.state.filter(|_| !self.no_state)),
            no_state: self.no_state || below.no_state,
            sweep: self.sweep || below.sweep,
            evidence: self.evidence.or(below.evidence),
            spec: self.spec.or(below.spec),
            param: either(self.param, below.param),
            result: self.result.or(below.result),
            events: self.events.or(below.events),
            run_id: self.run_id.or(below.run_id),
            places: self.places.or(below.places),
        }
    }
}

impl Places {
    pub(crate) fn or(self, below: Self) -> Self {
        Self {
            lock_dir: self.lock_dir.or(below.lock_dir),
            home: self.home.or(below.home),
        }
    }
}

fn either<T>(above: Vec<T>, below: Vec<T>) -> Vec<T> {
    if above.is_empty() { below } else { above }
}

/// The long names of all options of a layer, as the command line has them.
pub(crate) fn option_names() -> Vec<String> {
    long_names(&Options::augment_args(Command::new("run")))
}

pub(super) fn long_names(command: &Command) -> Vec<String> {
    command
        .get_arguments()
        .filter_map(|arg| arg.get_long().map(str::to_owned))
        .collect()
}

pub(super) fn one_or_many<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OneOrMany<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = list.next_element()? {
                all.push(one);
            }
            Ok(all)
        }
    }

    from.deserialize_any(OneOrMany(std::marker::PhantomData))
}
