//! Sweeping what dead runs left: the runs themselves by their own locks, then their apps by theirs.
mod cgroups;
mod living;
mod report;
mod runs;
mod stacks;
mod states;
mod veto;

pub(crate) use cgroups::run_of;
pub(crate) use stacks::engine;

use std::num::{NonZeroU8, NonZeroUsize};
use std::os::fd::BorrowedFd;

use runward_janitor::{Allow, ErrorKind, Fault, FaultKind, Janitor, Plan, Policy, Report};
use runward_lock::{LockDir, Record};

use crate::cli::SweepArgs;
use crate::commands::{config, directories};
use crate::duration::Span;
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::places::Directories;
use crate::run::predecessor;
use crate::settings::SweepOptions;

/// Exit codes of `runward sweep`.
mod code {
    pub(super) const CLEAN: u8 = 0;
    pub(super) const LEFT: u8 = 1;
    pub(super) const UNKNOWN: u8 = 2;
}

/// A part of a sweep, with what it would do or has done.
struct Part {
    name: &'static str,
    plan: Plan,
    report: Option<Report>,
}

pub(crate) fn main(args: &SweepArgs) -> Result<u8> {
    let env = Environment::of_this_process();
    let file = config(&args.report.file, &env)?;
    let directories = directories(&args.report.places, &file, &env)?;
    let broom = Broom::new(args.options.clone().or(file.sweep()), directories)?;
    let actor = if args.dry_run { "" } else { "sweep" };
    let parts = match broom.sweep(actor, None, args.dry_run) {
        Err(e) if e.is_discovery() => {
            report::failed(&e, args)?;
            return Ok(code::UNKNOWN);
        }
        // Without its journal it must not begin; nothing was reaped.
        Err(e) if e.kind() == ErrorKind::Home => {
            report::failed(&e, args)?;
            return Ok(code::LEFT);
        }
        parts => parts.map_err(refused)?,
    };
    report::show(&parts, args.report.json)?;
    Ok(if args.dry_run || parts.iter().all(Part::is_clean) {
        code::CLEAN
    } else {
        code::LEFT
    })
}

/// What sweeps: everything that was decided before it looks.
pub(crate) struct Broom {
    options: SweepOptions,
    directories: Directories,
    locks: LockDir,
    runs: LockDir,
}

impl Broom {
    pub(crate) fn new(options: SweepOptions, directories: Directories) -> Result<Self> {
        check(&options)?;
        let open = |path| LockDir::open(path).map_err(refused);
        directories.create_home()?;
        Ok(Self {
            locks: open(&directories.locks)?,
            runs: open(&directories.run_locks())?,
            options,
            directories,
        })
    }

    /// On behalf of a run that is about to begin: what is said of it in a line, and what is left in lines above that.
    pub(crate) fn sweep_for(&self, run_id: &str, cancel: BorrowedFd<'_>) -> Result<String> {
        let parts = self.sweep(run_id, Some(cancel), false).map_err(refused)?;
        Ok(report::brief(&parts))
    }

    /// Both plans are made before either is carried out, so that a rehearsal shows what is done.
    fn sweep(
        &self,
        actor: &str,
        cancel: Option<BorrowedFd<'_>>,
        rehearsal: bool,
    ) -> std::result::Result<Vec<Part>, runward_janitor::Error> {
        let janitors = [
            ("runs", self.of_runs(cancel)?),
            ("apps", self.of_apps(cancel)?),
        ];
        let mut parts = Vec::new();
        for (name, janitor) in &janitors {
            let (plan, report) = (janitor.plan()?, None);
            parts.push(Part { name, plan, report });
        }
        if rehearsal {
            return Ok(parts);
        }
        for (part, (_, janitor)) in parts.iter_mut().zip(janitors) {
            let janitor = cancel
                .into_iter()
                .fold(janitor.actor(actor), Janitor::cancel_on);
            part.report = Some(janitor.execute(&part.plan)?);
        }
        Ok(parts)
    }

    /// What runs make bears their own name, so nobody has to allow it.
    fn of_runs<'a>(
        &'a self,
        cancel: Option<BorrowedFd<'a>>,
    ) -> std::result::Result<Janitor<'a, LockDir>, runward_janitor::Error> {
        let any = [".*"];
        let policy = self.limits(Policy::new(Allow::confirmed(any, any)?).cap(usize::MAX));
        let home = self.directories.sweeps().join("runs");
        Ok(self
            .with_veto(Janitor::new(&self.runs, policy, home), cancel)
            .sweep(runs::Runs(self.directories.clone()))
            .sweep(cgroups::Cgroups(self.runs.clone()))
            .sweep(states::States {
                directories: self.directories.clone(),
                runs: self.runs.clone(),
            }))
    }

    fn of_apps<'a>(
        &'a self,
        cancel: Option<BorrowedFd<'a>>,
    ) -> std::result::Result<Janitor<'a, LockDir>, runward_janitor::Error> {
        let policy = self.limits(Policy::new(allow(&self.options)?));
        let home = self.directories.sweeps().join("apps");
        let janitor = self
            .with_veto(Janitor::new(&self.locks, policy, home), cancel)
            .quiesce(|before, permit| {
                permit.check()?;
                quiesce(before)
            });
        let stacks = stacks::wanted(&self.options, &self.locks, &self.directories);
        Ok(stacks.into_iter().fold(janitor, Janitor::sweep))
    }

    fn limits(&self, policy: Policy) -> Policy {
        let options = &self.options;
        let cap = options.cap.map(NonZeroUsize::get);
        let policy = cap.into_iter().fold(policy, Policy::cap);
        let share = options.cap_percent.map(NonZeroU8::get);
        let policy = share.into_iter().fold(policy, Policy::share);
        let within = options.within.map(|span| span.get());
        let policy = within.into_iter().fold(policy, Policy::within);
        let overdue = options.overdue.map(|span| span.get());
        overdue.into_iter().fold(policy, Policy::overdue)
    }

    fn with_veto<'a>(
        &'a self,
        janitor: Janitor<'a, LockDir>,
        cancel: Option<BorrowedFd<'a>>,
    ) -> Janitor<'a, LockDir> {
        match &self.options.veto {
            None => janitor,
            Some(command) => {
                let words = Vec::from(command.clone());
                janitor.veto(move |kind, found| veto::ask(&words, kind, found, cancel))
            }
        }
    }
}

impl Part {
    fn is_clean(&self) -> bool {
        match &self.report {
            Some(report) => report.is_clean(),
            None => self.plan.reaps().next().is_none(),
        }
    }
}

/// What can be refused before anything is looked at. A veto that cannot be asked would keep everything, and look like a clean host.
pub(crate) fn check(options: &SweepOptions) -> Result<()> {
    allow(options).map_err(|e| Error::config(format!("[sweep] or --app: {e}")))?;
    if options.cap_percent.is_some_and(|share| share.get() > 100) {
        return Err(Error::config(
            "[sweep] or --cap-percent: more than 100 percent is no cap; the default is 100",
        ));
    }
    if options.within.is_some_and(Span::is_zero) {
        return Err(Error::config(
            "[sweep] or --within: 0 leaves no time to reap; the default is 10m",
        ));
    }
    let veto = options.veto.clone().map(Vec::from).unwrap_or_default();
    match veto.first() {
        Some(program) if !veto::can_be_asked(program) => Err(Error::config(format!(
            "the veto command {program:?} is no program that can be run; give one that is, or leave the veto out"
        ))),
        _ => Ok(()),
    }
}

/// A list that is given twice over is confirmed, however much it matches.
fn allow(options: &SweepOptions) -> std::result::Result<Allow, runward_janitor::Error> {
    let patterns = &options.app;
    match patterns.split_at(patterns.len() / 2) {
        (first, again) if !first.is_empty() && first == again => Allow::confirmed(first, again),
        _ => Allow::patterns(patterns),
    }
}

/// Whatever the dead run still has running could make anew what is about to be removed.
fn quiesce(before: Option<&Record>) -> std::result::Result<(), Fault> {
    predecessor::finish(before)
        .map(drop)
        .map_err(|e| Fault::new(FaultKind::Other, e.to_string()))
}

fn refused(e: impl std::fmt::Display) -> Error {
    Error::new(Kind::System, e.to_string())
}
