//! The work on one name, under its lock.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use runward_lock::{Hold, Locks, Name};

use crate::audit::{Audit, Line};
use crate::janitor::Janitor;
use crate::journal::Journal;
use crate::reaper::Ended;
use crate::report::Outcome;
use crate::sync::point;
use crate::tally::{Fate, Tally};
use crate::{Error, Found, Mark, Permit, Progress, Reason, Step, cancel};

/// Enough for whatever settles; what makes new objects for ever is given up.
const ROUNDS: usize = 64;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct Work<'w, 'a, L: Locks> {
    pub(crate) janitor: &'w Janitor<'a, L>,
    pub(crate) audit: &'w mut Audit,
    pub(crate) journal: &'w Journal<'w>,
    pub(crate) name: &'w Name,
    pub(crate) guard: L::Guard,
    /// What the plan keeps is kept, whatever it looks like now.
    pub(crate) kept: HashSet<(&'w str, &'w str)>,
    pub(crate) deadline: Instant,
    pub(crate) tally: &'w mut Tally,
}

/// Why the work ends before all is done.
pub(crate) enum Stop {
    /// It is not to be reaped after all.
    Kept(Reason),
    /// It cannot be, for now.
    Left(String),
    /// Nothing can be recorded any more.
    Trouble(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Trouble(error)
    }
}

/// What a look at all kinds has come to.
enum Round {
    /// There was nothing.
    Empty,
    /// All that was there has taken all its steps.
    Done,
    /// Something has not, and why.
    Stuck(String),
}

impl<L: Locks> Work<'_, '_, L> {
    pub(crate) fn finish(mut self) -> Ended {
        match self.work() {
            Ok(()) => self.close(),
            Err(stop) => self.give_up(stop),
        }
    }

    fn work(&mut self) -> Result<(), Stop> {
        self.log("taken", "")?;
        self.journal.begin(self.name)?;
        point("journaled");
        self.ask_again()?;
        self.quiesce()?;
        point("quiesced");
        self.rounds()
    }

    /// The plan may be old: a mark may have been set since, or a veto.
    fn ask_again(&mut self) -> Result<(), Stop> {
        for kind in 0..self.janitor.sweeps.len() {
            for found in self.look(kind)? {
                self.tally.see(kind, found.id());
            }
        }
        Ok(())
    }

    fn quiesce(&mut self) -> Result<(), Stop> {
        let Some(quiesce) = &self.janitor.quiesce else {
            return Ok(());
        };
        let ended = {
            let permit = self.permit();
            permit
                .check()
                .and_then(|()| quiesce(self.guard.predecessor(), &permit))
        };
        match ended {
            Ok(()) => self.log("quiesced", ""),
            Err(fault) => Err(Stop::Left(format!(
                "cannot end what its run still has running: {fault}"
            ))),
        }
    }

    fn rounds(&mut self) -> Result<(), Stop> {
        let (mut empty, mut last, mut pause) = (0, None, self.janitor.policy.pause);
        for _ in 0..ROUNDS {
            let again = self.tally.has_reaped();
            match self.round()? {
                Round::Empty if empty == 1 => return Ok(()),
                Round::Empty => {
                    empty += 1;
                    continue;
                }
                // What was reaped and is found again may need a moment to go.
                Round::Done if !again => {}
                Round::Done => self.pause(&mut pause)?,
                Round::Stuck(why) => {
                    let standing = self.tally.standing();
                    if last.replace(standing.clone()) == Some(standing) {
                        return Err(Stop::Left(why));
                    }
                    self.pause(&mut pause)?;
                }
            }
            empty = 0;
        }
        Err(Stop::Left(
            "there is always more of its name; find what makes it".to_owned(),
        ))
    }

    fn pause(&self, pause: &mut Duration) -> Result<(), Stop> {
        self.check()?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        cancel::wait(self.janitor.cancel, (*pause).min(left));
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        self.check()
    }

    fn check(&self) -> Result<(), Stop> {
        let checked = self.permit().check();
        checked.map_err(|fault| Stop::Left(fault.to_string()))
    }

    /// Later kinds wait for earlier ones: a directory tells how to find the stack.
    fn round(&mut self) -> Result<Round, Stop> {
        let mut any = false;
        for kind in 0..self.janitor.sweeps.len() {
            let mut stuck = None;
            for found in self.look(kind)? {
                any = true;
                self.tally.see(kind, found.id());
                if let Some(why) = self.object(kind, &found)? {
                    stuck.get_or_insert(why);
                }
            }
            if let Some(why) = stuck {
                return Ok(Round::Stuck(why));
            }
        }
        Ok(if any { Round::Done } else { Round::Empty })
    }

    /// What there is of this kind that may be reaped.
    fn look(&self, kind: usize) -> Result<Vec<Found>, Stop> {
        let sweep = &self.janitor.sweeps[kind];
        let all = sweep.remains(self.name).and_then(|mut found| {
            found.retain(|found| self.may_reap(sweep.kind(), found));
            let found = found.into_iter();
            found
                .map(|found| self.janitor.examine(kind, found))
                .collect()
        });
        let mut found: Vec<Found> = all.map_err(|fault| {
            let kind = sweep.kind();
            Stop::Left(format!("cannot find what is left of kind {kind}: {fault}"))
        })?;
        found.retain(|found| *found.mark() == Mark::Ours);
        found.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        match found.iter().find_map(|found| self.objection(kind, found)) {
            Some(reason) => Err(Stop::Kept(reason)),
            None => Ok(found),
        }
    }

    fn may_reap(&self, kind: &str, found: &Found) -> bool {
        found.owner() == self.name && !self.kept.contains(&(kind, found.id()))
    }

    /// A mark may be set at any time; the veto is asked once.
    fn objection(&self, kind: usize, found: &Found) -> Option<Reason> {
        let is_new = !self.tally.has_seen(kind, found.id());
        let veto = || is_new.then(|| self.janitor.vetoed(kind, found))?;
        let protection = self.janitor.protection(found, SystemTime::now());
        protection.or_else(veto)
    }

    /// Takes the steps of one object; why not all of them, if so.
    fn object(&mut self, kind: usize, found: &Found) -> Result<Option<String>, Stop> {
        let steps = self.janitor.sweeps[kind].steps(found);
        for (number, step) in steps.iter().enumerate() {
            self.announce(kind, number, &steps);
            if let Some(why) = self.step(kind, found, step)? {
                let fate = Fate::Stuck(number, why.clone());
                self.tally.set(kind, found.id(), fate);
                return Ok(Some(why));
            }
        }
        self.tally.set(kind, found.id(), Fate::Reaped);
        self.log_object("reaped", kind, found, "", "")?;
        Ok(None)
    }

    /// For those who wait for the lock meanwhile. That they cannot be told is no reason to stop.
    fn announce(&mut self, kind: usize, number: usize, steps: &[Step]) {
        let kind = self.janitor.sweeps[kind].kind();
        let (step, count) = (&steps[number], steps.len());
        let text = format!(
            "reaping: step {} of {count} of its {kind}, {step}",
            number + 1
        );
        let _ = self.guard.set_what(&text);
    }

    fn step(&mut self, kind: usize, found: &Found, step: &Step) -> Result<Option<String>, Stop> {
        self.check()?;
        self.log_object("step", kind, found, step.as_str(), "")?;
        point("step.recorded");
        let sweep = &self.janitor.sweeps[kind];
        let progress = sweep.reap(found, step, &self.permit());
        point("step.taken");
        let why = match progress {
            Ok(Progress::Done) => return Ok(None),
            Ok(Progress::Again(why)) => why,
            // A permit that ended it is asked again before the next step.
            Err(fault) => format!("step {step} of {:?}: {fault}", found.id()),
        };
        self.log_object("unfinished", kind, found, step.as_str(), &why)?;
        Ok(Some(why))
    }

    fn permit(&self) -> Permit<'_> {
        let permit = Permit::new(&self.guard).until(self.deadline);
        match self.janitor.cancel {
            Some(fd) => permit.cancel_on(fd),
            None => permit,
        }
    }

    /// The lock file goes last, while it is held, and only if nothing of its name is left.
    fn close(mut self) -> Ended {
        point("emptied");
        if let Err(stop) = self.log("emptied", "") {
            return self.give_up(stop);
        }
        self.journal.clear(self.name);
        let lock = if self.kept.is_empty() {
            let removed = self.guard.remove();
            removed.map_or_else(
                |kept| Outcome::Left(kept.error().to_string()),
                |_| Outcome::Reaped,
            )
        } else {
            self.guard.leave();
            Outcome::Kept(Reason::Beside("an object".to_owned()))
        };
        point("removed");
        Ended {
            rest: Outcome::Reaped,
            lock,
            trouble: None,
        }
    }

    /// The lock file stays, without the mark of a clean release: it says that there is something left.
    fn give_up(mut self, stop: Stop) -> Ended {
        let (event, text) = match &stop {
            Stop::Kept(reason) => ("kept", reason.to_string()),
            Stop::Left(why) => ("left", why.clone()),
            Stop::Trouble(_) => ("left", String::new()),
        };
        let cancelled = self.janitor.cancel.is_some_and(cancel::is_ready);
        let recorded = match stop {
            Stop::Left(_) if !cancelled => self.journal.fail(self.name, &text),
            // None of these is the fault of this name, and on a full disk there is no other way to say so.
            Stop::Left(_) | Stop::Kept(_) | Stop::Trouble(_) => {
                self.journal.clear(self.name);
                Ok(())
            }
        };
        let logged = self.log(event, &text);
        let mut ended = Ended::of(stop);
        if let (None, Err(Stop::Trouble(error))) =
            (&ended.trouble, recorded.map_err(Stop::from).and(logged))
        {
            ended.trouble = Some(error);
        }
        point("given-up");
        self.guard.leave();
        ended
    }

    fn log(&mut self, event: &str, text: &str) -> Result<(), Stop> {
        let mut line = Line::of(self.name, self.guard.fence());
        line.text = text;
        Ok(self.audit.write(event, &line)?)
    }

    fn log_object(
        &mut self,
        event: &str,
        kind: usize,
        found: &Found,
        step: &str,
        text: &str,
    ) -> Result<(), Stop> {
        let line = Line {
            kind: self.janitor.sweeps[kind].kind(),
            id: found.id(),
            step,
            text,
            ..Line::of(self.name, self.guard.fence())
        };
        Ok(self.audit.write(event, &line)?)
    }
}
