use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use runward_lock::{Locks, Record};

use crate::audit::{Audit, Line};
use crate::home::Home;
use crate::judge::Judge;
use crate::reaper;
use crate::{Error, ErrorKind, Fault, Found, Mark, Permit, Plan, Policy, Reason, Report, Sweep};

/// The kind of the lock files themselves.
pub(crate) const LOCK: &str = "lock";
/// The one step of a lock file.
pub(crate) const REMOVE: &str = "remove";

type Veto<'a> = dyn Fn(&str, &Found) -> Result<Option<String>, Fault> + 'a;
type Quiesce<'a> = dyn Fn(Option<&Record>, &Permit<'_>) -> Result<(), Fault> + 'a;

/// Finds what dead runs left, and reaps it under their locks.
#[must_use = "a janitor does nothing until it sweeps"]
pub struct Janitor<'a, L> {
    pub(crate) locks: &'a L,
    pub(crate) policy: Policy,
    pub(crate) home: Home,
    pub(crate) sweeps: Vec<Box<dyn Sweep + 'a>>,
    pub(crate) quiesce: Option<Box<Quiesce<'a>>>,
    pub(crate) cancel: Option<BorrowedFd<'a>>,
    pub(crate) actor: String,
    veto: Option<Box<Veto<'a>>>,
}

impl<'a, L: Locks> Janitor<'a, L> {
    /// A janitor with these locks, which keeps its journal and its audit in the directory `home`, made with mode 0700 if it is missing.
    pub fn new(locks: &'a L, policy: Policy, home: impl Into<PathBuf>) -> Self {
        Self {
            locks,
            policy,
            home: Home::new(home),
            sweeps: Vec::new(),
            quiesce: None,
            cancel: None,
            actor: String::new(),
            veto: None,
        }
    }

    /// Sweeps this too. Of one name the kinds are reaped in the order in which they were given: what others stand on comes last.
    pub fn sweep(mut self, sweep: impl Sweep + 'a) -> Self {
        self.sweeps.push(Box::new(sweep));
        self
    }

    /// Ends what the dead run may still have running, and proves it ended, before anything of its name is touched. It gets the record of the
    /// holder before this one, and runs under the lock; if it fails, nothing of the name is reaped.
    pub fn quiesce(
        mut self,
        quiesce: impl Fn(Option<&Record>, &Permit<'_>) -> Result<(), Fault> + 'a,
    ) -> Self {
        self.quiesce = Some(Box::new(quiesce));
        self
    }

    /// Asks, for the kind and each object that would be reaped, whether to keep it after all: the answer is why. A veto, or a failure to ask,
    /// keeps everything of the name. It is asked once for the plan, and once under the lock.
    pub fn veto(
        mut self,
        veto: impl Fn(&str, &Found) -> Result<Option<String>, Fault> + 'a,
    ) -> Self {
        self.veto = Some(Box::new(veto));
        self
    }

    /// Ends the sweep, between two steps, as soon as this descriptor can be read from.
    pub fn cancel_on(mut self, fd: BorrowedFd<'a>) -> Self {
        self.cancel = Some(fd);
        self
    }

    /// On whose behalf, for the audit and for those who wait for a lock meanwhile: a run id, a timer.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Decides of every object what is to become of it. Takes no lock, writes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Discovery`] if not everything could be found; [`ErrorKind::InvalidSweep`].
    pub fn plan(&self) -> Result<Plan, Error> {
        Judge::new(self)?.plan()
    }

    /// Carries out a plan: each name under its lock, each object only if all still is as it was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Home`] if nothing could be recorded, so that nothing was done; [`ErrorKind::InvalidSweep`].
    pub fn execute(&self, plan: &Plan) -> Result<Report, Error> {
        reaper::execute(self, plan)
    }

    /// Plans and executes. A failed discovery is in the audit too.
    ///
    /// # Errors
    ///
    /// Those of [`Janitor::plan`] and [`Janitor::execute`].
    pub fn run(&self) -> Result<(Plan, Report), Error> {
        let plan = self.plan().inspect_err(|error| self.tell(error))?;
        let report = self.execute(&plan)?;
        Ok((plan, report))
    }

    /// The error comes to the caller; its line in the audit is worth a try.
    fn tell(&self, error: &Error) {
        let audit = self.home.make().and_then(|()| self.open_audit());
        let _ = audit
            .and_then(|mut audit| audit.write("discovery-failed", &Line::text(&error.to_string())));
    }

    pub(crate) fn open_audit(&self) -> Result<Audit, Error> {
        Audit::open(self.home.audit(), &self.actor)
    }

    pub(crate) fn kinds(&self) -> Result<Vec<Arc<str>>, Error> {
        let mut kinds: Vec<Arc<str>> = Vec::new();
        for sweep in &self.sweeps {
            let kind = sweep.kind();
            if kind == LOCK || kinds.iter().any(|other| **other == *kind) {
                let message = format!("there are two sweeps of kind {kind}; name one otherwise");
                return Err(Error::new(ErrorKind::InvalidSweep, message));
            }
            kinds.push(kind.into());
        }
        Ok(kinds)
    }

    pub(crate) fn discover(&self) -> Result<Vec<(usize, Found)>, Error> {
        let mut all = Vec::new();
        for (number, sweep) in self.sweeps.iter().enumerate() {
            let found = sweep.discover();
            let found = found.map_err(|fault| Error::discovery(sweep.kind(), &fault))?;
            all.extend(found.into_iter().map(|found| (number, found)));
        }
        Ok(all)
    }

    /// Of what is not ours nothing more is asked, and no answer can make it ours.
    pub(crate) fn examine(&self, kind: usize, found: Found) -> Result<Found, Fault> {
        match found.mark() {
            Mark::Ours => self.sweeps[kind].examine(found),
            Mark::Missing(_) => Ok(found),
        }
    }

    /// What the object itself has against being reaped. One that is not ours has no say.
    pub(crate) fn protection(&self, found: &Found, now: SystemTime) -> Option<Reason> {
        let mark = found.protection().filter(|mark| mark.holds_at(now))?;
        (*found.mark() == Mark::Ours).then(|| Reason::Protected(mark.to_string()))
    }

    pub(crate) fn vetoed(&self, kind: usize, found: &Found) -> Option<Reason> {
        let veto = self.veto.as_ref().filter(|_| *found.mark() == Mark::Ours)?;
        match veto(self.sweeps[kind].kind(), found) {
            Ok(words) => words.map(Reason::Vetoed),
            Err(fault) => Some(Reason::Vetoed(format!("the veto failed: {fault}"))),
        }
    }
}
