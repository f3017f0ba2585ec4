//! Owning the apps of a run: all of them or none, and giving them back last.
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use runward_cgroup::Hierarchy;
use runward_lifetime::{Armed, Cause};
use runward_lock::{
    Error as LockError, Event, Guard, Holder, LockDir, Name, Record, Request, Wait,
};

use super::waiting::WaitLine;
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::exit;
use crate::places::Directories;
use crate::plan::Plan;
use crate::settings::inside;
use crate::sweep::run_of;
use crate::terminal::printable;

/// What became of the wish to own.
pub(crate) enum Owned {
    All(Vec<Guard>),
    Not {
        cause: Cause,
        message: Option<String>,
    },
}

/// Waits as long as the plan says, and not a moment longer than the run itself may last.
pub(crate) fn acquire(plan: &Plan, locks: &LockDir, armed: &mut Armed, env: &Environment) -> Owned {
    let names: Vec<Name> = plan.apps.iter().map(|app| app.name().clone()).collect();
    let cancel = match armed.as_fd().try_clone_to_owned() {
        Ok(fd) => fd,
        Err(e) => return failed(format!("cannot watch for signals while waiting: {e}")),
    };
    let wait = wait(plan, armed.deadline());
    let mut watch = Watch::new(armed, env);
    let request = Request::new()
        .run_id(&plan.run_id)
        .what(what(plan))
        .trace(plan.trace())
        .wait(wait)
        .tick(watch.line.pace())
        .cancel_on(cancel.as_fd());
    let taken = locks.acquire_all(&names, &request, &mut |event| watch.on(event));
    watch.judge(taken)
}

/// Looks after a wait: shows it, ends it on a cancel, and does not begin one that cannot end.
struct Watch<'a> {
    armed: &'a mut Armed,
    line: WaitLine,
    /// The run that this one is a part of.
    outer: Option<String>,
    /// What is its own, and who that is.
    outers_own: Option<(Name, String)>,
}

impl<'a> Watch<'a> {
    fn new(armed: &'a mut Armed, env: &Environment) -> Self {
        let outer = inside(env).map(|outer| outer.run_id);
        Self {
            armed,
            line: WaitLine::new(),
            outer,
            outers_own: None,
        }
    }

    fn on(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Waiting { name, holder, .. } if self.is_outer(holder) => {
                self.outers_own = Some(((*name).clone(), holder.to_string()));
                ControlFlow::Break(())
            }
            Event::Waiting {
                name,
                holder,
                elapsed,
                waiters,
            } => {
                self.line.show(name, holder, *elapsed, *waiters);
                ControlFlow::Continue(())
            }
            Event::CancelReadable { .. } if self.armed.cancelled().is_some() => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// By what the environment says, and by the kernel's word where that was lost on the way, as through sudo: by who our ancestors
    /// are, and from a pid namespace, where they are out of sight, by the cgroup that we are in.
    fn is_outer(&self, holder: &Holder) -> bool {
        let Some(record) = holder.record().filter(|record| !record.released()) else {
            return false;
        };
        let is_told = self.outer.as_deref() == Some(record.run_id());
        holder.is_ancestor() || is_told || is_around(record)
    }

    /// A cancel counts even if the locks came at the same moment.
    fn judge(mut self, taken: std::result::Result<Vec<Guard>, LockError>) -> Owned {
        self.line.clear();
        if let Some((name, outer)) = self.outers_own {
            return failed(format!(
                "the app {name} is owned by the run that this one is a part of, and waiting would never end: {outer}; leave --app out here"
            ));
        }
        match (taken, self.armed.cancelled()) {
            (Ok(guards), None) => Owned::All(guards),
            (Ok(_), Some(cause)) => Owned::Not {
                cause,
                message: None,
            },
            (Err(e), stop) => not_taken(&e, stop),
        }
    }
}

/// Whether this process is in a cgroup of the run whose journal the record names: that run ends only after us.
fn is_around(record: &Record) -> bool {
    let journal = Path::new(record.trace()).file_stem();
    let (Some(key), Ok(hierarchy)) = (journal.and_then(OsStr::to_str), Hierarchy::find()) else {
        return false;
    };
    let run = Name::slug(key);
    let own = hierarchy.own().iter();
    own.filter_map(|name| run_of(name.to_str()?))
        .any(|around| around == run)
}

fn not_taken(e: &LockError, stop: Option<Cause>) -> Owned {
    match stop {
        Some(cause) => Owned::Not {
            cause,
            message: Some(e.to_string()),
        },
        None if e.is_busy() => {
            let cause = Cause::Failed {
                reason: e.to_string(),
                code: exit::BUSY,
            };
            Owned::Not {
                cause,
                message: Some(e.to_string()),
            }
        }
        None => failed(e.to_string()),
    }
}

fn failed(reason: String) -> Owned {
    let message = Some(reason.clone());
    Owned::Not {
        cause: Cause::Failed {
            reason,
            code: exit::FAILED,
        },
        message,
    }
}

fn wait(plan: &Plan, deadline: Option<Instant>) -> Wait {
    let patience = plan
        .wait
        .map(|wait| (wait.is_zero(), Instant::now() + wait.get()));
    match (patience, deadline) {
        (Some((true, _)), _) => Wait::Never,
        (Some((_, until)), Some(deadline)) => Wait::Until(until.min(deadline)),
        (Some((_, until)), None) | (None, Some(until)) => Wait::Until(until),
        (None, None) => Wait::Forever,
    }
}

/// The command as the record of a lock can hold it.
pub(super) fn what(plan: &Plan) -> String {
    let words: Vec<String> = plan
        .argv
        .iter()
        .map(|word| printable(&word.to_string_lossy()))
        .collect();
    fitting(&words.join(" "))
}

/// As much of a text as the record of a lock can hold.
pub(crate) fn fitting(text: &str) -> String {
    const LONGEST: usize = 96;
    let mut what = String::new();
    for c in text.trim().chars() {
        if what.len() + c.len_utf8() > LONGEST {
            break;
        }
        what.push(c);
    }
    what.trim_end().to_owned()
}

/// Copies for the guardian: the kernel keeps the locks as long as either process lives.
pub(crate) fn copies(guards: &[Guard]) -> Result<Vec<OwnedFd>> {
    let copies: std::io::Result<_> = guards
        .iter()
        .map(|guard| guard.as_fd().try_clone_to_owned())
        .collect();
    copies.map_err(|e| Error::new(Kind::System, format!("cannot share a lock: {e}")))
}

/// The names whose locks a run holds, in the order in which its descriptors are kept.
pub(super) struct Held {
    pub(super) directories: Directories,
    pub(super) run: Option<Name>,
    pub(super) apps: Vec<Name>,
    pub(super) owner: u32,
}

impl Held {
    /// In the process that finished the run. If that is not the owner, and the owner is gone, nobody else gives the locks back. If some
    /// of its processes are still there, the file of the run's own lock stays, so that a sweep knows their cgroup.
    pub(super) fn release(self, kept: Vec<OwnedFd>, some_stay: bool) {
        let parent = rustix::process::getppid().map(|pid| pid.as_raw_pid().cast_unsigned());
        if std::process::id() == self.owner || parent == Some(self.owner) {
            return;
        }
        let mut kept = kept.into_iter();
        if let Some(run) = self.run {
            let guard = adopt(&self.directories.run_locks(), &run, kept.next());
            match guard {
                Some(guard) if some_stay => drop(guard.close()),
                guard => drop(guard.map(Guard::remove)),
            }
        }
        for (app, fd) in self.apps.iter().zip(kept) {
            drop(adopt(&self.directories.locks, app, Some(fd)).map(Guard::close));
        }
    }
}

fn adopt(locks: &Path, name: &Name, fd: Option<OwnedFd>) -> Option<Guard> {
    LockDir::open(locks).ok()?.adopt(name, fd?).ok()
}
