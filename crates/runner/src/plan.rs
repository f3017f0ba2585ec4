//! What a run is going to do, as data: printed by `--dry-run`, carried out by `run`.
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::duration::Span;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::places::{self, Directories, User};
use crate::reserve::Reserve;
use crate::settings::{
    AppName, CommandLine, Containment, Leaks, ParamArg, Settings, StateLayout, StateOptions,
    Strength, SweepOptions,
};

/// The plan of one run. Making it reads; nothing is created, locked or started.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Plan {
    schema: u32,
    pub(crate) run_id: String,
    /// What all that this run makes is called: one run id may name several processes.
    #[serde(skip)]
    pub(crate) key: String,
    ci: &'static str,
    #[serde(serialize_with = "texts")]
    pub(crate) argv: Vec<OsString>,
    /// In the order in which they are taken.
    pub(crate) apps: Vec<AppName>,
    /// What the program is told: the first that was named.
    pub(crate) app: Option<AppName>,
    #[serde(rename = "wait_ms", serialize_with = "optional_millis")]
    pub(crate) wait: Option<Span>,
    #[serde(rename = "deadline_ms", serialize_with = "optional_millis")]
    pub(crate) deadline: Option<Span>,
    /// What the CI says of how long the job may take.
    #[serde(rename = "outer_limit")]
    pub(crate) reserve: Option<Reserve>,
    #[serde(rename = "grace_ms", serialize_with = "Span::serialize_millis")]
    pub(crate) grace: Span,
    pub(crate) teardowns: Vec<CommandLine>,
    #[serde(
        rename = "teardown_deadline_ms",
        serialize_with = "Span::serialize_millis"
    )]
    pub(crate) teardown_deadline: Span,
    pub(crate) leaks: Leaks,
    pub(crate) containment: Containment,
    pub(crate) require: Option<Strength>,
    pub(crate) state: Option<StatePlan>,
    /// What may be swept before the work, if anything is to be.
    #[serde(serialize_with = "is_some")]
    pub(crate) sweep: Option<SweepOptions>,
    pub(crate) evidence: Option<EvidencePlan>,
    #[serde(serialize_with = "optional_path")]
    pub(crate) result: Option<PathBuf>,
    #[serde(serialize_with = "optional_path")]
    pub(crate) events: Option<PathBuf>,
    #[serde(rename = "lock_dir", serialize_with = "path")]
    pub(crate) locks: PathBuf,
    #[serde(serialize_with = "path")]
    pub(crate) home: PathBuf,
    /// None for a run that leaves nothing which a later one would have to finish.
    #[serde(serialize_with = "optional_path")]
    pub(crate) journal: Option<PathBuf>,
}

/// The state directory of a run: by which description, of what, and where.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StatePlan {
    pub(crate) layout: StateLayout,
    #[serde(skip)]
    pub(crate) options: StateOptions,
    #[serde(serialize_with = "path")]
    pub(crate) root: PathBuf,
}

impl StatePlan {
    fn new(layout: StateLayout, options: StateOptions, root: PathBuf) -> Self {
        Self {
            layout,
            options,
            root,
        }
    }
}

/// The bundle of a run: where it is going to be, where it grows until then, and what judges it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvidencePlan {
    #[serde(serialize_with = "path")]
    pub(crate) dir: PathBuf,
    #[serde(serialize_with = "path")]
    pub(crate) staging: PathBuf,
    #[serde(serialize_with = "optional_path")]
    pub(crate) spec: Option<PathBuf>,
    /// Names and values as they were given; whether the spec takes them is seen before anything starts.
    pub(crate) params: BTreeMap<String, String>,
}

impl EvidencePlan {
    /// It grows beside its place, to get there in one step.
    fn new(dir: &Path, spec: Option<&Path>, params: Vec<ParamArg>, key: &str) -> Result<Self> {
        let dir = output(dir)?;
        let name = dir.file_name().ok_or_else(|| {
            let shown = dir.display();
            Error::usage(format!(
                "{shown} names no directory; name the directory itself with --evidence"
            ))
        })?;
        let short: String = name.to_string_lossy().chars().take(40).collect();
        Ok(Self {
            staging: dir.with_file_name(format!(".{short}.{key}.runward")),
            dir,
            spec: spec.map(output).transpose()?,
            params: params.into_iter().map(|param| param.0).collect(),
        })
    }
}

impl Plan {
    pub(crate) fn new(
        settings: Settings,
        argv: Vec<OsString>,
        (state, sweep): (StateOptions, SweepOptions),
        env: &Environment,
        process: &str,
    ) -> Result<Self> {
        let identity = Identity::detect(env);
        let directories = places::decide(&settings.places, env, &User::of_this_process())?;
        let reserve = Reserve::new(&settings, identity.limit.as_ref(), SystemTime::now());
        let given = settings.run_id.map(String::from);
        let run_id = given.unwrap_or_else(|| identity.run_id(|| process.to_owned()));
        let to_finish = !settings.apps.is_empty()
            || !settings.teardowns.is_empty()
            || settings.result.is_some()
            || settings.state.is_some()
            || settings.evidence.is_some();
        let key = key(&run_id, process);
        let journal = to_finish.then(|| directories.journal(&key));
        let spec = settings.spec.as_deref();
        let evidence = settings.evidence.as_deref();
        let evidence = evidence.map(|dir| EvidencePlan::new(dir, spec, settings.params, &key));
        let app = settings.apps.first().cloned();
        let deadline = settings.deadline;
        let derived = reserve.as_ref().and_then(Reserve::deadline);
        let root = directories.states();
        Ok(Self {
            schema: 1,
            run_id,
            key,
            ci: identity.ci.name(),
            argv,
            apps: sorted(settings.apps),
            app,
            wait: settings.wait,
            deadline: deadline.or(derived),
            reserve,
            grace: settings.grace,
            teardowns: settings.teardowns,
            teardown_deadline: settings.teardown_deadline,
            leaks: settings.leaks,
            containment: settings.containment,
            require: settings.require,
            state: settings
                .state
                .map(|layout| StatePlan::new(layout, state, root)),
            sweep: settings.sweep.then_some(sweep),
            evidence: evidence.transpose()?,
            result: settings.result.as_deref().map(output).transpose()?,
            events: settings.events.as_deref().map(output).transpose()?,
            locks: directories.locks,
            home: directories.home,
            journal,
        })
    }

    /// What does not fit together in it, though it can be carried out.
    pub(crate) fn warning(&self) -> Option<String> {
        self.reserve.as_ref()?.warning(self.deadline)
    }

    /// What the record of a lock says of where this run keeps its journal.
    pub(crate) fn trace(&self) -> String {
        let journal = self.journal.as_deref().unwrap_or(Path::new(""));
        journal.to_string_lossy().into_owned()
    }

    pub(crate) fn directories(&self) -> Directories {
        Directories {
            locks: self.locks.clone(),
            home: self.home.clone(),
        }
    }
}

fn sorted(mut apps: Vec<AppName>) -> Vec<AppName> {
    apps.sort();
    apps
}

/// A run id that was made from the process needs no second mention of it.
fn key(run_id: &str, process: &str) -> String {
    if run_id.ends_with(process) {
        run_id.to_owned()
    } else {
        format!("{run_id}.{process}")
    }
}

/// The current directory may be gone when the file is written, so its path is made absolute now.
fn output(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|e| Error::io("make absolute", path, &e, "give an absolute path"))
}

fn is_some<S: Serializer, T>(value: &Option<T>, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_bool(value.is_some())
}

/// Words as text; bytes that are not UTF-8 are replaced, as JSON cannot hold them.
fn texts<S: Serializer>(words: &[OsString], to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_seq(words.iter().map(|word| OsStr::to_string_lossy(word)))
}

fn path<S: Serializer>(path: &Path, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

fn optional_path<S: Serializer>(
    path: &Option<PathBuf>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    path.as_ref()
        .map(|path| path.to_string_lossy())
        .serialize(to)
}

fn optional_millis<S: Serializer>(
    span: &Option<Span>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    span.map(Span::as_millis).serialize(to)
}
