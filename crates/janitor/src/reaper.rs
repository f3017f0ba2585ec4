//! Carries out a plan, one name after the other. For each name, and each step is what the next one relies on:
//!
//! 1. look whether the lock is held, without taking it;
//! 2. take it, without waiting: from here on nobody else makes or removes anything of this name;
//! 3. write into the journal that an attempt begins;
//! 4. look at its objects anew, and ask marks and veto again;
//! 5. end what the dead run still has running;
//! 6. take the steps, kind by kind, until two looks in a row have found nothing;
//! 7. remove the lock file while it is held, which releases it.

use std::time::Instant;

use runward_lock::{ErrorKind, Locks, Name, Request, State, Wait, quiet};

use crate::audit::{Audit, Line};
use crate::janitor::{Janitor, LOCK};
use crate::journal::Journal;
use crate::judge::held;
use crate::plan::{Plan, Row, WarningKind};
use crate::report::{Outcome, Report};
use crate::sync::point;
use crate::tally::Tally;
use crate::work::{Stop, Work};
use crate::{Error, Reason, Verdict};

pub(crate) fn execute<L: Locks>(janitor: &Janitor<'_, L>, plan: &Plan) -> Result<Report, Error> {
    let kinds = janitor.kinds()?;
    janitor.home.make()?;
    let mut reaper = Reaper {
        janitor,
        kinds,
        audit: janitor.open_audit()?,
        journal: Journal::new(&janitor.home, janitor.policy.backoff),
        report: Report {
            digest: plan.digest(),
            items: Vec::new(),
            postponed: plan.postponed(),
            trouble: Vec::new(),
        },
    };
    reaper.begin(plan)?;
    for rows in plan.rows.chunk_by(|a, b| a.name == b.name) {
        if rows.iter().any(|row| row.verdict() == Verdict::Reap) {
            reaper.name(rows);
        }
    }
    reaper.end();
    Ok(reaper.report)
}

struct Reaper<'j, 'a, L> {
    janitor: &'j Janitor<'a, L>,
    kinds: Vec<std::sync::Arc<str>>,
    audit: Audit,
    journal: Journal<'j>,
    report: Report,
}

impl<L: Locks> Reaper<'_, '_, L> {
    fn begin(&mut self, plan: &Plan) -> Result<(), Error> {
        let text = format!(
            "plan {} reaps {} of {} objects",
            self.report.digest,
            plan.reaps().count(),
            plan.rows.len()
        );
        self.audit.write("pass", &Line::text(&text))?;
        let mut about = Vec::new();
        for warning in &plan.warnings {
            let line = Line {
                name: &warning.about,
                text: &warning.text,
                ..Line::default()
            };
            self.audit.write(warning.kind.word(), &line)?;
            if matches!(warning.kind, WarningKind::Overdue | WarningKind::KeptAlive) {
                about.push(&*warning.about);
            }
        }
        self.janitor.home.remember_warnings(plan, &about)
    }

    fn end(&mut self) {
        let text = format!(
            "clean {}, {} postponed",
            self.report.is_clean(),
            self.report.postponed
        );
        if let Err(error) = self.audit.write("end", &Line::text(&text)) {
            self.trouble(&error);
        }
    }

    /// Once nothing can be recorded, nothing more is done.
    fn trouble(&mut self, error: &Error) {
        let text = error.to_string();
        if !self.report.trouble.contains(&text) {
            self.report.trouble.push(text);
        }
    }

    fn name(&mut self, rows: &[Row]) {
        let name = &rows[0].name;
        let mut tally = Tally::default();
        let (rest, lock) = match self.refusal(rows) {
            Some(outcome) => (outcome.clone(), outcome),
            None => self.take(name, rows, &mut tally),
        };
        let planned: Vec<&Row> = rows
            .iter()
            .filter(|row| row.verdict() == Verdict::Reap)
            .collect();
        let items = tally.items(&planned, &self.kinds, &rest, &lock);
        self.report.items.extend(items);
    }

    /// What needs no lock to be refused; the janitor may not be the one that planned.
    fn refusal(&self, rows: &[Row]) -> Option<Outcome> {
        let name = &rows[0].name;
        let known = |row: &Row| *row.kind == *LOCK || self.kinds.contains(&row.kind);
        if let Some(trouble) = self.report.trouble.first() {
            return Some(Outcome::Left(format!("not tried: {trouble}")));
        }
        if !self.janitor.policy.allow.matches(name) {
            return Some(Outcome::Kept(Reason::NotAllowed));
        }
        let row = rows.iter().find(|row| !known(row))?;
        let text = format!("this janitor has no sweep of kind {}", row.kind);
        Some(Outcome::Left(text))
    }

    /// What became of its objects, and of its lock file.
    fn take(&mut self, name: &Name, rows: &[Row], tally: &mut Tally) -> (Outcome, Outcome) {
        let guard = match self.acquire(name) {
            Ok(guard) => guard,
            Err(outcome) => {
                self.log_skipped(name, &outcome);
                return (outcome.clone(), outcome);
            }
        };
        point("taken");
        let ended = Work {
            janitor: self.janitor,
            audit: &mut self.audit,
            journal: &self.journal,
            name,
            guard,
            kept: rows
                .iter()
                .filter(|row| row.verdict() == Verdict::Keep && *row.kind != *LOCK)
                .map(|row| (&*row.kind, &*row.id))
                .collect(),
            deadline: Instant::now() + self.janitor.policy.within,
            tally,
        }
        .finish();
        if let Some(trouble) = &ended.trouble {
            self.trouble(trouble);
        }
        (ended.rest, ended.lock)
    }

    /// A look first: a try of the lock could make one fail that a run makes at that moment.
    fn acquire(&self, name: &Name) -> Result<L::Guard, Outcome> {
        let cannot = |error: &runward_lock::Error| Outcome::Left(error.to_string());
        match self.janitor.locks.peek(name).map_err(|e| cannot(&e))? {
            State::Absent | State::Free => {}
            State::Held(holder) => return Err(Outcome::Kept(held(&holder))),
            _ => return Err(Outcome::Kept(Reason::Held("somebody unknown".to_owned()))),
        }
        point("peeked");
        let request = Request::new().wait(Wait::Never).what("reaping");
        let named = request.clone().run_id(&self.janitor.actor);
        let request = if named.check().is_ok() {
            named
        } else {
            request
        };
        let taken = self.janitor.locks.acquire(name, &request, &mut quiet);
        taken.map_err(|error| match (error.kind(), error.holder()) {
            (ErrorKind::Busy, Some(holder)) => Outcome::Kept(held(holder)),
            (ErrorKind::Busy, None) => Outcome::Kept(Reason::Held("somebody unknown".to_owned())),
            (ErrorKind::AlreadyHeld, _) => {
                Outcome::Kept(Reason::Held("this process itself".to_owned()))
            }
            _ => cannot(&error),
        })
    }

    fn log_skipped(&mut self, name: &Name, outcome: &Outcome) {
        let text = outcome.text();
        let line = Line {
            name: name.as_str(),
            text: &text,
            ..Line::default()
        };
        if let Err(error) = self.audit.write(outcome.word(), &line) {
            self.trouble(&error);
        }
    }
}

/// How the work on a name ended.
pub(crate) struct Ended {
    /// What became of the objects that nothing more particular is known of.
    pub(crate) rest: Outcome,
    pub(crate) lock: Outcome,
    pub(crate) trouble: Option<Error>,
}

impl Ended {
    pub(crate) fn of(stop: Stop) -> Self {
        let (rest, trouble) = match stop {
            Stop::Kept(reason) => (Outcome::Kept(reason), None),
            Stop::Left(why) => (Outcome::Left(why), None),
            Stop::Trouble(error) => (Outcome::Left(error.to_string()), Some(error)),
        };
        Self {
            lock: rest.clone(),
            rest,
            trouble,
        }
    }
}
