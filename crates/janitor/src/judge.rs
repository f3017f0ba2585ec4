//! What is to become of each object. The order of the questions is that of their weight: the allow-list before the lock, since of names
//! outside it nothing is asked; the lock before all that could be a reason to reap.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use runward_lock::{Holder, HolderKind, Locks, Name, State};

use crate::janitor::{Janitor, LOCK, REMOVE};
use crate::journal::{Entry, Journal};
use crate::plan::{Plan, Row, Warning, WarningKind};
use crate::units::{Unit, Units};
use crate::{Error, Found, Mark, Reason, Step};

pub(crate) struct Judge<'j, 'a, L> {
    janitor: &'j Janitor<'a, L>,
    kinds: Vec<Arc<str>>,
    lock: Arc<str>,
    journal: HashMap<String, Entry>,
    now: SystemTime,
    /// How many names may be reaped, and how many more.
    cap: usize,
    room: usize,
    plan: Plan,
}

/// What keeps a whole name, and which of its objects says so, if one does.
struct Objection {
    by: Option<usize>,
    reason: Reason,
}

impl<'j, 'a, L: Locks> Judge<'j, 'a, L> {
    pub(crate) fn new(janitor: &'j Janitor<'a, L>) -> Result<Self, Error> {
        let policy = &janitor.policy;
        Ok(Self {
            janitor,
            kinds: janitor.kinds()?,
            lock: LOCK.into(),
            journal: Journal::new(&janitor.home, policy.backoff).read(),
            now: SystemTime::now(),
            cap: policy.cap,
            room: policy.cap,
            plan: Plan {
                allow: policy.allow.texts().to_vec(),
                rows: Vec::new(),
                warnings: Vec::new(),
            },
        })
    }

    /// The names at which a janitor was killed come last, so that they cannot keep it from the others.
    pub(crate) fn plan(mut self) -> Result<Plan, Error> {
        let found = self.janitor.discover()?;
        self.cap = self.cap.min(self.share_of(&found));
        self.room = self.cap;
        // After the objects: a lock that is free now was not taken by whoever made them.
        let locks = self.janitor.locks.list().map_err(|e| Error::listing(&e))?;
        self.plan.rows.reserve(found.len() + locks.len());
        let mut last = Vec::new();
        for unit in Units::join(found, locks) {
            if self.was_interrupted(&unit.name) {
                last.push(unit);
            } else {
                self.judge(unit)?;
            }
        }
        last.into_iter().try_for_each(|unit| self.judge(unit))?;
        self.warn_of_the_cap();
        self.warn_of_headroom();
        Ok(self.plan)
    }

    /// As much of what was found as one pass may reap; all of it is not counted.
    fn share_of(&self, found: &[(usize, Found)]) -> usize {
        let policy = &self.janitor.policy;
        if policy.share == 100 {
            return usize::MAX;
        }
        let counts =
            |found: &&Found| *found.mark() == Mark::Ours && policy.allow.matches(found.owner());
        let found = found.iter().map(|(_, found)| found).filter(counts);
        let names: HashSet<&Name> = found.map(Found::owner).collect();
        (names.len() * usize::from(policy.share)).div_ceil(100)
    }

    fn was_interrupted(&self, name: &Name) -> bool {
        let entry = self.journal.get(name.as_str());
        entry.is_some_and(|entry| entry.interrupted() > 0)
    }

    fn judge(&mut self, unit: Unit) -> Result<(), Error> {
        if !self.janitor.policy.allow.matches(&unit.name) {
            self.keep(unit, &Reason::NotAllowed);
            return Ok(());
        }
        match &unit.lock {
            None | Some(State::Absent | State::Free) => self.judge_free(unit),
            Some(State::Held(holder)) => {
                self.warn_of_holder(&unit.name, holder);
                let reason = held(holder);
                self.keep(unit, &reason);
                Ok(())
            }
            Some(_) => {
                self.keep(unit, &Reason::Held("somebody unknown".to_owned()));
                Ok(())
            }
        }
    }

    fn keep(&mut self, unit: Unit, reason: &Reason) {
        for (kind, found) in unit.objects {
            let row = Row::of(&self.kinds[kind], found, reason.clone());
            self.plan.rows.push(row);
        }
        if unit.lock.is_some() {
            self.push_lock(unit.name, reason.clone());
        }
    }

    fn push_lock(&mut self, name: Name, reason: Reason) {
        let found = Found::new(name.clone(), name.as_str(), Mark::Ours);
        let mut row = Row::of(&self.lock, found, reason);
        if matches!(row.reason, Reason::Orphan | Reason::Leftover) {
            row.steps = vec![Step::new(REMOVE)];
        }
        self.plan.rows.push(row);
    }

    fn judge_free(&mut self, mut unit: Unit) -> Result<(), Error> {
        let objection = match self.postponed(&unit) {
            Some(reason) => Some(Objection { by: None, reason }),
            None => {
                unit.objects = self.examine(unit.objects)?;
                self.objection(&unit)
            }
        };
        let counts = unit
            .objects
            .iter()
            .any(|(_, found)| *found.mark() == Mark::Ours);
        if counts && objection.is_none() {
            self.room -= 1;
        }
        self.push_free(unit, objection);
        Ok(())
    }

    /// Asked before anything that costs: there may be many.
    fn postponed(&self, unit: &Unit) -> Option<Reason> {
        let entry = self.journal.get(unit.name.as_str());
        let waits = entry.and_then(|entry| entry.waits(&self.janitor.policy.backoff));
        let ours = |(_, found): &(usize, Found)| *found.mark() == Mark::Ours;
        let is_capped = || self.room == 0 && unit.objects.iter().any(ours);
        waits
            .map(Reason::Waiting)
            .or_else(|| is_capped().then_some(Reason::Capped))
    }

    fn examine(&self, objects: Vec<(usize, Found)>) -> Result<Vec<(usize, Found)>, Error> {
        let examine = |(kind, found): (usize, Found)| {
            let examined = self.janitor.examine(kind, found);
            examined
                .map(|found| (kind, found))
                .map_err(|fault| Error::discovery(&self.kinds[kind], &fault))
        };
        objects.into_iter().map(examine).collect()
    }

    fn objection(&self, unit: &Unit) -> Option<Objection> {
        let mut objects = unit.objects.iter().enumerate();
        objects.find_map(|(by, (kind, found))| {
            let protection = self.janitor.protection(found, self.now);
            let reason = protection.or_else(|| self.janitor.vetoed(*kind, found))?;
            Some(Objection {
                by: Some(by),
                reason,
            })
        })
    }

    fn push_free(&mut self, unit: Unit, objection: Option<Objection>) {
        let bare = unit.objects.is_empty();
        let mut kept = objection.as_ref().and_then(|objection| {
            let (kind, found) = unit.objects.get(objection.by?)?;
            Some(self.shown(*kind, found))
        });
        for (number, (kind, found)) in unit.objects.into_iter().enumerate() {
            let reason = match (found.mark(), &objection) {
                (Mark::Missing(what), _) => Reason::NotOurs(what.clone()),
                (_, None) => Reason::Orphan,
                (_, Some(objection)) if objection.by.is_none_or(|by| by == number) => {
                    objection.reason.clone()
                }
                _ => Reason::Beside(kept.clone().unwrap_or_default()),
            };
            if reason != Reason::Orphan && kept.is_none() {
                kept = Some(self.shown(kind, &found));
            }
            self.push_object(kind, found, reason);
        }
        if unit.lock.is_some() {
            let reason = match (kept, objection) {
                (Some(other), _) => Reason::Beside(other),
                (None, Some(objection)) => objection.reason,
                (None, None) if bare => Reason::Leftover,
                (None, None) => Reason::Orphan,
            };
            self.push_lock(unit.name, reason);
        }
    }

    fn push_object(&mut self, kind: usize, found: Found, reason: Reason) {
        let steps = match reason {
            Reason::Orphan => self.janitor.sweeps[kind].steps(&found),
            _ => Vec::new(),
        };
        let mut row = Row::of(&self.kinds[kind], found, reason);
        row.steps = steps;
        self.plan.rows.push(row);
    }

    fn shown(&self, kind: usize, found: &Found) -> String {
        format!("{} {:?}", self.kinds[kind], found.id())
    }

    fn warn(&mut self, kind: WarningKind, about: impl ToString, text: impl ToString) {
        self.plan.warnings.push(Warning::new(kind, about, text));
    }

    /// Age only warns, and the same holder once in a period.
    fn warn_of_holder(&mut self, name: &Name, holder: &Holder) {
        let policy = &self.janitor.policy;
        let since = holder.record().map(runward_lock::Record::since);
        let age = since.and_then(|since| self.now.duration_since(since).ok());
        let kind = match (holder.kind(), age, policy.overdue) {
            (HolderKind::Kept, ..) => WarningKind::KeptAlive,
            (_, Some(age), Some(limit)) if age >= limit => WarningKind::Overdue,
            _ => return,
        };
        if self.janitor.home.is_due(name, policy.warn_every) {
            self.warn(kind, name, holder);
        }
    }

    fn warn_of_the_cap(&mut self) {
        let capped = self
            .plan
            .rows
            .iter()
            .filter(|row| row.reason == Reason::Capped);
        let count = capped.count();
        if count > 0 {
            let text = format!(
                "{count} more to reap than {} names at once; sweep again, or raise the cap if that is right",
                self.cap
            );
            self.warn(WarningKind::Capped, "cap", text);
        }
    }

    fn warn_of_headroom(&mut self) {
        let full_at = self.janitor.policy.full_at;
        for (sweep, kind) in self.janitor.sweeps.iter().zip(self.kinds.clone()) {
            match sweep.headroom() {
                Ok(all) => all
                    .iter()
                    .filter(|one| one.exceeds(full_at))
                    .for_each(|one| self.warn(WarningKind::Headroom, &kind, one)),
                Err(fault) => self.warn(WarningKind::Headroom, &kind, fault),
            }
        }
    }
}

pub(crate) fn held(holder: &Holder) -> Reason {
    match holder.kind() {
        HolderKind::Kept => Reason::KeptAlive(holder.to_string()),
        _ => Reason::Held(holder.to_string()),
    }
}
