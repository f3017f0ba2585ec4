//! The owner: the process that the CI sees. It hears what comes from outside and hands it to the
//! guardian; should that be killed, it holds the tree itself.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Instant, SystemTime},
};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, pidfd_send_signal, set_child_subreaper,
    waitid,
};

use crate::{
    Cause, Choice, Containment, Error, ErrorKind, Event, Finisher, Lifetime, Outcome,
    describe::Outputs,
    guardian::{self, Given},
    guards::{Guards, Occurrence, pin_child},
    holder::AT_ONCE,
    journal::{Header, Journal},
    lifetime::{Run, current_directory},
    link::{Link, MOST_DESCRIPTORS, Received, Report, Request},
    memory, process,
    sys::{self, Afterwards, Whose, death},
    takeover::TakeOver,
    tree::{probe_cgroup, probe_namespace},
    wait,
};

/// A run whose guards are up and whose work has not begun: the time to take locks.
#[must_use = "dropping it ends the run before it began"]
pub struct Armed {
    run: Run,
    guards: Guards,
    link: Link,
    guardian: Guardian,
    /// What has come before the start, to be replayed.
    heard: Vec<Occurrence>,
    cancelled: Option<Cause>,
}

/// A run that is under way.
#[must_use = "without `wait` nobody relays signals, and the guardian takes the owner for dead"]
pub struct Running {
    armed: Armed,
    journal: Journal,
    kept: Vec<OwnedFd>,
}

#[derive(Debug)]
struct Guardian {
    pid: i32,
    pidfd: OwnedFd,
    /// It holds nothing yet, and ends as soon as the link does.
    idle: bool,
}

impl Guardian {
    fn reap(&self) {
        let pid = WaitId::PidFd(self.pidfd.as_fd());
        let _ = rustix::io::retry_on_intr(|| waitid(pid.clone(), WaitIdOptions::EXITED));
    }

    /// One that somebody has stopped would hear of nothing.
    fn wake(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::CONT);
    }
}

impl Drop for Guardian {
    /// The link is closed by now, as its field stands before this one. Once the run has begun, its
    /// end may take as long as the teardowns, and no drop waits for that.
    fn drop(&mut self) {
        if self.idle {
            self.wake();
            self.reap();
        }
    }
}

impl Armed {
    pub(crate) fn new(lifetime: Lifetime) -> Result<Self, Error> {
        Self::part(lifetime, |_| Ok(None)).map(|(armed, _)| armed)
    }

    /// Arms the guards and forks the guardian, which starts the work at once if it is given what
    /// that needs.
    fn part(
        lifetime: Lifetime,
        given: impl FnOnce(&Run) -> Result<Option<Given>, Error>,
    ) -> Result<(Self, Option<Given>), Error> {
        check_threads()?;
        check_strength(&lifetime)?;
        check_words(&lifetime)?;
        let guards = Guards::install(lifetime.parent, lifetime.mask)?;
        let run = begin(lifetime, &guards);
        let _ = set_child_subreaper(Some(Pid::INIT));
        let given = given(&run)?;
        let (link, far) =
            Link::pair().map_err(|e| Error::system("cannot make a socket pair", e))?;
        match sys::fork_process().map_err(|e| Error::system("cannot fork the guardian", e))? {
            None => {
                // Dropping the guards would let signals in.
                std::mem::forget(guards);
                drop(link);
                sys::leave_after(|| guardian::live(run, &far, given))
            }
            Some(pid) => {
                let pidfd =
                    pin_child(pid).map_err(|e| Error::system("cannot pin the guardian", e))?;
                let idle = given.is_none();
                let guardian = Guardian { pid, pidfd, idle };
                let _ = rustix::process::setpgid(Pid::from_raw(pid), Pid::from_raw(pid));
                let (heard, cancelled) = (Vec::new(), None);
                Ok((
                    Self {
                        run,
                        guards,
                        link,
                        guardian,
                        heard,
                        cancelled,
                    },
                    given,
                ))
            }
        }
    }

    /// The instant at which the work must have ended.
    pub fn deadline(&self) -> Option<Instant> {
        self.run.deadline
    }

    /// Why the run is to end before it began, if it is: a signal, an ancestor's death, or the
    /// deadline. Does not wait; the descriptor ([`AsFd`]) is readable when a call is worth while.
    pub fn cancelled(&mut self) -> Option<Cause> {
        while let Some(occurrence) = self.guards.next() {
            match occurrence {
                Occurrence::Stop { .. } => stop(),
                _ => self.heard.push(occurrence),
            }
            self.cancelled = self.cancelled.take().or(cause_of(occurrence));
        }
        let late = self
            .run
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        self.cancelled.clone().or(late.then_some(Cause::Deadline))
    }

    /// Starts the program. The guardian keeps a copy of each of `kept` until all is done, so that
    /// a lock is held until then, whoever dies. `note` goes to the journal and comes back from
    /// [`recover`](crate::recover).
    ///
    /// # Errors
    ///
    /// [`Journal`](ErrorKind::Journal), and [`System`](ErrorKind::System) where `kept` is more than
    /// can be handed over at once (some 250), or a journal in memory cannot be had; nothing has been
    /// started then.
    pub fn start(mut self, kept: Vec<OwnedFd>, note: &str) -> Result<Running, Error> {
        let journal = create_journal(&self.run, note)?;
        let fds: Vec<_> = [journal.as_fd()]
            .into_iter()
            .chain(kept.iter().map(AsFd::as_fd))
            .collect();
        if fds.len() > MOST_DESCRIPTORS {
            return Err(Error::new(
                ErrorKind::System,
                format!("more than {MOST_DESCRIPTORS} descriptors to keep"),
            ));
        }
        self.guardian.idle = false;
        // A guardian that is gone already is noticed by `wait`.
        let _ = self.link.send(&Request::Start, &fds);
        self.heard
            .iter()
            .for_each(|occurrence| self.relay(*occurrence));
        Ok(Running {
            armed: self,
            journal,
            kept,
        })
    }

    fn relay(&self, occurrence: Occurrence) {
        if cause_of(occurrence).is_some() {
            self.guardian.wake();
        }
        let _ = self.link.send(&Request::Occurred(occurrence), &[]);
    }

    /// Ends the run before it began. No teardown is run, as there is nothing of ours to tear
    /// down; the outcome is told to the hook.
    pub fn abandon(mut self, cause: Cause) -> Outcome {
        let outcome = Outcome {
            run_id: self.run.settings.run_id.clone(),
            cause,
            program: None,
            started: self.run.started,
            ended: SystemTime::now(),
            containment: planned(self.run.settings.choice),
            leaks: Vec::new(),
            survivors: Vec::new(),
            teardowns: Vec::new(),
            teardown_took: std::time::Duration::ZERO,
            finished_by: Finisher::Owner,
        };
        self.run.emit(&Event::Finished {
            exit: outcome.exit_code(),
        });
        if let Some(hook) = self.run.hooks.finish.take() {
            hook(&outcome);
        }
        drop(self.link);
        drop(self.guardian);
        outcome
    }
}

impl AsFd for Armed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.guards.as_fd()
    }
}

fn create_journal(run: &Run, note: &str) -> Result<Journal, Error> {
    Journal::create(run.journal_path.as_deref(), || Header {
        settings: run.settings.clone(),
        environment: run.environment.clone(),
        directory: run.directory.clone(),
        started: run.started,
        boot: process::boot_id(),
        note: note.to_owned(),
    })
}

/// Notes everything that guardian and owner must know alike, before they part.
fn begin(lifetime: Lifetime, guards: &Guards) -> Run {
    let Lifetime {
        settings,
        hooks,
        journal,
        ..
    } = lifetime;
    Run {
        deadline: settings
            .deadline
            .and_then(|after| Instant::now().checked_add(after)),
        environment: settings.program.environment(),
        directory: current_directory(),
        started: SystemTime::now(),
        strangers: own_children(),
        owner_group: nix::unistd::getpgrp().as_raw(),
        outputs: Outputs::of_this_process(),
        mask: *guards.given(),
        journal_path: journal,
        settings,
        hooks,
    }
}

/// Children from before the run, which an exec does not take away: they are no part of it.
fn own_children() -> Vec<i32> {
    match death(Whose::AnyChild, Afterwards::Kept) {
        Err(_) => Vec::new(),
        Ok(_) => process::surely_children(rustix::process::getpid().as_raw_pid()),
    }
}

fn planned(choice: Choice) -> Containment {
    match choice {
        Choice::Only(containment) => containment,
        Choice::Auto => Containment::Cgroup,
    }
}

/// The guardian is forked, and a fork of many threads may hold the locks of those it left behind.
fn check_threads() -> Result<(), Error> {
    let refuse = |kind, message| Err(Error::new(kind, message));
    match sys::threads() {
        Some(1) => Ok(()),
        Some(_) => refuse(
            ErrorKind::Threads,
            "guards must be armed before the first thread is started: call `arm` at the top of main",
        ),
        None => refuse(
            ErrorKind::System,
            "/proc is not mounted, and without it no process can be told from another; \
             mount it with `mount -t proc proc /proc`",
        ),
    }
}

/// Refuses early what could not be held as strongly as was asked.
fn check_strength(lifetime: &Lifetime) -> Result<(), Error> {
    let settings = &lifetime.settings;
    let refuse = |message: String| Err(Error::new(ErrorKind::Containment, message));
    match (settings.choice, settings.least) {
        (Choice::Only(only), Some(least)) if only < least => {
            refuse(format!("{least} is required, which {only} is weaker than"))
        }
        (Choice::Only(Containment::PidNamespace), _) => probe_namespace().or_else(refuse),
        (Choice::Only(Containment::Cgroup), _) => probe_cgroup().or_else(refuse),
        (Choice::Auto, Some(least)) if least > Containment::Subreaper => {
            probe_cgroup().or_else(|why| {
                refuse(format!(
                    "{least} is required, and no cgroup can be had: {why}"
                ))
            })
        }
        _ => Ok(()),
    }
}

/// A teardown that cannot be executed would be found out at the end.
fn check_words(lifetime: &Lifetime) -> Result<(), Error> {
    let mut words = lifetime.settings.teardowns.iter().flatten();
    lifetime.settings.program.check()?;
    words.try_for_each(|word| crate::program::check(word))
}

fn cause_of(occurrence: Occurrence) -> Option<Cause> {
    match occurrence {
        Occurrence::Cancel { signal, sender } => Some(Cause::Cancelled {
            signal,
            sender_pid: sender,
        }),
        Occurrence::Ancestor { pid } => Some(Cause::Ancestor { pid }),
        _ => None,
    }
}

/// Stops this process as the signal would have; its parent sees that and may continue it.
pub(crate) fn stop() {
    let _ = kill_process(rustix::process::getpid(), Signal::STOP);
}

impl Running {
    pub(crate) fn new(lifetime: Lifetime, kept: Vec<OwnedFd>, note: &str) -> Result<Self, Error> {
        let give = |run: &Run| create_journal(run, note).map(|journal| Some((journal, kept)));
        let (armed, given) = Armed::part(lifetime, give)?;
        let (journal, kept) = given.ok_or_else(|| Error::new(ErrorKind::Journal, "no journal"))?;
        Ok(Self {
            armed,
            journal,
            kept,
        })
    }

    /// Waits until all is done: the program ended, its tree empty, every teardown run.
    ///
    /// # Errors
    ///
    /// Only where the guardian was killed and the owner cannot do its work either.
    pub fn wait(mut self) -> Result<Outcome, Error> {
        let mut settle = Some(Instant::now() + AT_ONCE);
        let mut deadline = self.armed.run.deadline;
        loop {
            let on = [
                wait::readable(&self.armed.link),
                wait::readable(&self.armed.guards),
            ];
            let ready = wait::any(&on, settle.into_iter().chain(deadline).min());
            if deadline.take_if(|at| *at <= Instant::now()).is_some() {
                self.armed.guardian.wake();
            }
            if settle.take_if(|at| *at <= Instant::now()).is_some() {
                memory::drop_code();
            }
            if ready[0] {
                match self.armed.link.receive() {
                    Received::Message(Report::Event(event), _) => self.show(&event),
                    Received::Message(Report::Anything, _) => {
                        self.hear();
                        let _ = self.armed.link.send(&Request::Nothing, &[]);
                    }
                    Received::Message(Report::Done(outcome), _) => return Ok(self.done(*outcome)),
                    Received::Nothing => {}
                    Received::End => return self.take_over(),
                }
            }
            if ready[1] {
                self.hear();
            }
        }
    }

    /// The guardian first: the locks are released when both have closed them.
    fn done(self, outcome: Outcome) -> Outcome {
        self.armed.guardian.reap();
        drop(self.kept);
        outcome
    }

    fn show(&mut self, event: &Event) {
        if let Some(hook) = &mut self.armed.run.hooks.progress {
            hook(event);
        }
    }

    fn hear(&mut self) {
        while let Some(occurrence) = self.armed.guards.next() {
            self.armed.relay(occurrence);
            match occurrence {
                Occurrence::Stop { .. } => {
                    stop();
                    self.armed.relay(Occurrence::Continue);
                }
                Occurrence::Child => reap_strays(self.armed.guardian.pid),
                // What the guardian has done must not be done twice, but for the cancel that it keeps in mind.
                Occurrence::Cancel { .. } | Occurrence::Ancestor { .. } => {
                    self.armed.heard.push(occurrence);
                }
                Occurrence::Continue | Occurrence::Forward { .. } => {}
            }
        }
    }

    /// The guardian was killed. Its orphans are ours, as the nearest subreaper above it, once its
    /// exit is complete.
    fn take_over(mut self) -> Result<Outcome, Error> {
        self.armed.guardian.reap();
        self.armed.run.emit(&Event::GuardianLost);
        self.show(&Event::GuardianLost);
        let Armed {
            run, guards, heard, ..
        } = self.armed;
        TakeOver {
            run,
            guards,
            heard,
            journal: self.journal,
            kept: self.kept,
        }
        .finish()
    }
}

/// As process 1 of a container, everyone's orphans are ours. The guardian's own death is noticed
/// elsewhere.
fn reap_strays(guardian: i32) {
    while let Ok(Some((pid, _))) = death(Whose::AnyChild, Afterwards::Kept) {
        if pid == guardian {
            return;
        }
        let _ = death(Whose::Child(pid), Afterwards::Reaped);
    }
}
