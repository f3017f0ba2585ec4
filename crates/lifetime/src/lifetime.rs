use std::{
    ffi::{CString, OsString},
    fmt,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use nix::sys::signal::SigSet;
use serde::{Deserialize, Serialize};

use crate::{Armed, Error, Event, Outcome, Program, Running, describe::Outputs};

/// Longer is never: an instant that far away can still be told.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// Of a tree, in characters: with prefix and suffixes still a file name.
const LONGEST_NAME: usize = 200;

/// How a tree is held, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Containment {
    /// A process group. Whoever calls `setsid` or `setpgid` escapes.
    Group,
    /// The guardian adopts every orphan and stops all before it kills. Nobody escapes, but after
    /// a SIGKILL of owner and guardian together the tree cannot be found again.
    Subreaper,
    /// A pid namespace. Nobody escapes; the program sees other pids than the host.
    #[serde(rename = "pidns")]
    PidNamespace,
    /// A cgroup. Nobody escapes, the program sees nothing, and a later run finds the tree.
    Cgroup,
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Containment::Group => "group",
            Containment::Subreaper => "subreaper",
            Containment::PidNamespace => "pidns",
            Containment::Cgroup => "cgroup",
        })
    }
}

/// Which containment to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Choice {
    /// A cgroup where this host lets us make one, else a subreaper.
    #[default]
    Auto,
    /// This one or none.
    Only(Containment),
}

/// What processes mean that the program leaves when it ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leaks {
    /// They are named and ended.
    #[default]
    Warn,
    /// They are named and ended, as with [`Warn`](Self::Warn). The caller means to fail for them, by
    /// [`Outcome::leaks`](crate::Outcome::leaks): the exit code does not tell.
    Fail,
    /// They are named and left alone.
    Allow,
}

/// What a run is to be: plain data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) run_id: String,
    pub(crate) tree: Option<String>,
    pub(crate) program: Program,
    pub(crate) deadline: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) leaks: Leaks,
    pub(crate) choice: Choice,
    pub(crate) least: Option<Containment>,
    pub(crate) teardowns: Vec<Vec<OsString>>,
    pub(crate) teardown_deadline: Duration,
}

type EventHook = Box<dyn FnMut(&Event)>;
type FinishHook = Box<dyn FnOnce(&Outcome)>;
type ReleaseHook = Box<dyn FnOnce(Vec<OwnedFd>)>;

/// What the caller wants to be called for. After the fork both processes have a copy.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) event: Option<EventHook>,
    pub(crate) progress: Option<EventHook>,
    pub(crate) finish: Option<FinishHook>,
    pub(crate) release: Option<ReleaseHook>,
}

/// What becomes of the signal mask after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    Restored,
    Kept,
}

/// A run to be: a program, and what must hold of its lifetime.
///
/// See the [crate's page](crate) for what is guaranteed.
#[must_use = "nothing runs before `run` or `arm`"]
pub struct Lifetime {
    pub(crate) settings: Settings,
    pub(crate) hooks: Hooks,
    pub(crate) parent: Option<i32>,
    pub(crate) mask: Mask,
    pub(crate) journal: Option<PathBuf>,
}

impl Lifetime {
    /// A run of `program` with the defaults: no deadline, 10 s of grace, leaks are named and
    /// ended, a cgroup where that can be had.
    pub fn new(program: Program) -> Self {
        let settings = Settings {
            run_id: format!("run-{}", std::process::id()),
            tree: None,
            program,
            deadline: None,
            grace: Duration::from_secs(10),
            leaks: Leaks::Warn,
            choice: Choice::Auto,
            least: None,
            teardowns: Vec::new(),
            teardown_deadline: Duration::from_secs(60),
        };
        Self {
            settings,
            hooks: Hooks::default(),
            parent: None,
            mask: Mask::Restored,
            journal: None,
        }
    }

    /// The id of the run; the name of its cgroup is made from it, unless it is given. The default
    /// is made from the pid of this process.
    pub fn run_id(mut self, id: impl Into<String>) -> Self {
        self.settings.run_id = id.into();
        self
    }

    /// What the cgroup is called, after `runward-`: for somebody who wants to find it again by
    /// what else has this name. Anything but letters, digits, `.`, `-` and `_` becomes `-`.
    pub fn tree_name(mut self, name: impl Into<String>) -> Self {
        self.settings.tree = Some(name.into());
        self
    }

    /// The work must have ended this long after [`arm`](Self::arm), by the monotonic clock.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.settings.deadline = Some(after);
        self
    }

    /// How long the work has between being asked to end and being killed; 10 s by default.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace.min(LONGEST);
        self
    }

    /// Adds a command that is run at the end, however the run ended, also after a SIGKILL of
    /// this process. It is run once, without a shell, with no input, and cannot die of its output.
    /// It has the environment and the working directory of the program, or the root directory
    /// where that one is gone; several run one after the other.
    pub fn teardown(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.settings
            .teardowns
            .push(words.into_iter().map(Into::into).collect());
        self
    }

    /// How long each teardown may take before it is asked to end and, a grace later, killed; 60 s
    /// by default.
    pub fn teardown_deadline(mut self, after: Duration) -> Self {
        self.settings.teardown_deadline = after.min(LONGEST);
        self
    }

    /// What processes mean that the program leaves; [`Leaks::Warn`] by default.
    pub fn leaks(mut self, leaks: Leaks) -> Self {
        self.settings.leaks = leaks;
        self
    }

    /// How the tree is held; [`Choice::Auto`] by default.
    pub fn containment(mut self, choice: Choice) -> Self {
        self.settings.choice = choice;
        self
    }

    /// Refuses to start with a weaker containment than this.
    pub fn require(mut self, least: Containment) -> Self {
        self.settings.least = Some(least);
        self
    }

    /// Keeps the journal in a file, so that [`recover`](crate::recover) can finish the run when
    /// owner and guardian were both killed. The file must not exist; it is gone when the run has
    /// been finished. It holds the environment of the run and is readable by its user alone.
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// This process ends when the run does: signals stay blocked to the end, so that none that comes
    /// late can change its exit code. Otherwise the mask is restored after the run.
    pub fn until_exit(mut self) -> Self {
        self.mask = Mask::Kept;
        self
    }

    /// The pid of the process that forked this one, where the caller knows it from before the
    /// fork: if that parent is dead already, arming fails instead of watching who adopted us.
    pub fn expect_parent(mut self, pid: i32) -> Self {
        self.parent = Some(pid);
        self
    }

    /// Called for every event, in the process that brings it about: the guardian, as a rule. What
    /// it keeps in memory is lost; what it writes to a descriptor stays.
    pub fn on_event(mut self, hook: impl FnMut(&Event) + 'static) -> Self {
        self.hooks.event = Some(Box::new(hook));
        self
    }

    /// Called for every event in the owner, as long as that lives: for people who watch.
    pub fn on_progress(mut self, hook: impl FnMut(&Event) + 'static) -> Self {
        self.hooks.progress = Some(Box::new(hook));
        self
    }

    /// Called once with the outcome, in the process that finishes the run, before what was kept
    /// is released: the place to write a record.
    pub fn on_finish(mut self, hook: impl FnOnce(&Outcome) + 'static) -> Self {
        self.hooks.finish = Some(Box::new(hook));
        self
    }

    /// Called last, in the process that finishes the run, with the descriptors that were given to
    /// [`Armed::start`]. Without it they are just closed.
    pub fn on_release(mut self, hook: impl FnOnce(Vec<OwnedFd>) + 'static) -> Self {
        self.hooks.release = Some(Box::new(hook));
        self
    }

    /// Arms the guards: the first thing that a run does. Forks the guardian, so this process must
    /// have one thread.
    ///
    /// # Errors
    ///
    /// [`Threads`](crate::ErrorKind::Threads), [`ParentGone`](crate::ErrorKind::ParentGone),
    /// [`Containment`](crate::ErrorKind::Containment) where the required strength cannot be had,
    /// [`Nul`](crate::ErrorKind::Nul) where a word cannot be passed to a program,
    /// [`System`](crate::ErrorKind::System) where the kernel refuses a descriptor or the fork, or
    /// `/proc` is not mounted.
    pub fn arm(self) -> Result<Armed, Error> {
        Armed::new(self)
    }

    /// Arms and starts at once, for a run that needs nothing in between. `kept` and `note` are as
    /// for [`Armed::start`].
    ///
    /// # Errors
    ///
    /// As for [`arm`](Self::arm) and [`Armed::start`].
    pub fn start(self, kept: Vec<OwnedFd>, note: &str) -> Result<Running, Error> {
        Running::new(self, kept, note)
    }

    /// Arms, starts, waits: the whole run.
    ///
    /// # Errors
    ///
    /// As for [`arm`](Self::arm), [`Armed::start`] and [`Running::wait`]. A program that cannot be executed is an
    /// outcome with code 126 or 127, not an error.
    pub fn run(self) -> Result<Outcome, Error> {
        self.start(Vec::new(), "")?.wait()
    }
}

/// A run under way, as owner and guardian both know it from before the fork.
pub(crate) struct Run {
    pub(crate) settings: Settings,
    pub(crate) hooks: Hooks,
    pub(crate) started: SystemTime,
    pub(crate) deadline: Option<Instant>,
    pub(crate) directory: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) owner_group: i32,
    pub(crate) outputs: Outputs,
    /// Children that the owner had before.
    pub(crate) strangers: Vec<i32>,
    pub(crate) mask: SigSet,
    pub(crate) journal_path: Option<PathBuf>,
}

impl Run {
    pub(crate) fn emit(&mut self, event: &Event) {
        if let Some(hook) = &mut self.hooks.event {
            hook(event);
        }
    }

    /// Where the work began, as a teardown's child changes to it.
    pub(crate) fn directory_c(&self) -> CString {
        CString::new(self.directory.as_os_str().as_bytes()).unwrap_or_else(|_| c"/".to_owned())
    }

    /// A name for a cgroup: letters, digits, dot, dash and underscore.
    pub(crate) fn tree_name(&self) -> String {
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        };
        let name = self.settings.tree.as_ref();
        let name = name.unwrap_or(&self.settings.run_id);
        name.chars().take(LONGEST_NAME).map(safe).collect()
    }
}

pub(crate) fn current_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned())
}
