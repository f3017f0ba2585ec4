//! `waiting_implies`: while there is work and room for it, somebody is at work.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Shape;
use super::amount::{Amount, Amounts};
use super::cell::{Joined, Trouble, facts, micros, past, secs};
use super::common::{Missing, kinds};
use super::count::{Count, Counted};
use super::facet::{Judged, Lookup, name, need_column};
use super::judge::Judge;
use super::scope::{MODE, Scope, Within};
use super::sieve::Sieve;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Check, Fact, Facts, Kind, Memory, Stamp, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "waiting_implies",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("work", Form::Text),
    key("where", Form::Conditions),
    key("capacity", Form::Table(CAPACITY)),
    key("heartbeat", Form::Text),
    key("grace", Form::Duration),
    key("epoch", Form::Text),
    key("mode", Form::Table(MODE)),
];

const CAPACITY: &[Key] = &[
    key("used", Form::Text),
    key("exclude", Form::Conditions),
    key("limit", Form::Scalar),
    key("ceiling", Form::Scalar),
];

struct WaitingImplies {
    work: Count,
    capacity: Option<Capacity>,
    heartbeat: Lookup,
    grace: i64,
    epoch: Option<String>,
    scope: Scope,
    missing: Missing,
    kinds: Vec<String>,
}

struct Capacity {
    used: Count,
    limit: Amount,
    ceiling: Option<Amount>,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let epoch = fields.get("epoch").map(|node| {
        let facet = facets.need(node)?;
        need_column(node, facet, "id", None)?;
        need_column(node, facet, "born", Some(Kind::Time))?;
        Ok(name(facet))
    });
    let capacity = fields.get("capacity").map(|node| {
        let fields = Fields::new(node, "`capacity`", &[CAPACITY])?;
        let ceiling = fields.get("ceiling").map(|node| Amount::read(node, facets));
        Ok(Capacity {
            used: Count::read(fields.need("used")?, (None, fields.get("exclude")), facets)?,
            limit: Amount::read(fields.need("limit")?, facets)?,
            ceiling: ceiling.transpose()?,
        })
    });
    Ok(Box::new(WaitingImplies {
        work: Count::read(fields.need("work")?, (fields.get("where"), None), facets)?,
        capacity: capacity.transpose()?,
        heartbeat: heartbeat(fields, facets)?,
        grace: micros(grace(fields, facets)?),
        epoch: epoch.transpose()?,
        scope: Scope::read(fields, facets)?,
        missing: Missing::read(fields)?,
        kinds: kinds(fields, &["stalled"])?,
    }))
}

fn heartbeat(fields: Fields<'_>, facets: &Facets) -> Result<Lookup> {
    let node = fields.need("heartbeat")?;
    if facets.get(node.text()?).is_none() && node.text()?.contains('.') {
        return Lookup::read(node, facets, Some(Kind::Time));
    }
    let facet = facets.need(node)?;
    Ok(Lookup {
        column: need_column(node, facet, "stamp", Some(Kind::Time))?,
        facet: name(facet),
    })
}

/// A heartbeat is as old as its period just before the next: a shorter grace than two would fire on the healthy.
fn grace(fields: Fields<'_>, facets: &Facets) -> Result<Duration> {
    let heartbeat = heartbeat(fields, facets)?;
    let node = fields.need("heartbeat")?;
    let period = facets.named(node, &heartbeat.facet)?.period();
    let missing = || {
        node.error(format!(
            "facet `{}` does not say its `period`",
            heartbeat.facet
        ))
    };
    let period = period.ok_or_else(missing)?;
    let written = fields.need("grace")?;
    let grace = crate::rules::fields::duration(written)?;
    if grace < period.saturating_mul(2) {
        let message = format!(
            "a grace of {} is shorter than two periods of the heartbeat `{}`, {} each",
            humantime::format_duration(grace),
            heartbeat.facet,
            humantime::format_duration(period)
        );
        return Err(written.error(message));
    }
    Ok(grace)
}

struct Looking<'a> {
    rule: &'a WaitingImplies,
    now: Stamp,
    work: BTreeMap<&'a str, Counted<'a>>,
    used: Option<Room<'a>>,
    heartbeat: Joined<'a>,
    /// When the epoch began, if it excuses a heartbeat of before it.
    epoch: Option<Stamp>,
}

struct Room<'a> {
    used: BTreeMap<&'a str, Counted<'a>>,
    limit: Amounts<'a>,
    ceiling: Option<Amounts<'a>>,
}

impl Judge for WaitingImplies {
    fn facets(&self) -> Vec<&str> {
        let mut needs = vec![&*self.work.facet, &*self.heartbeat.facet];
        if let Some(capacity) = &self.capacity {
            needs.push(&capacity.used.facet);
            needs.extend(capacity.limit.facet());
            needs.extend(capacity.ceiling.as_ref().and_then(Amount::facet));
        }
        needs.extend(self.scope.facet());
        needs.extend(self.epoch.as_deref());
        needs
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, memory: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let now = view.taken();
        let work = self.work.by_subject(view.table(&self.work.facet)?, now)?;
        let mut looking = Looking {
            rule: self,
            now,
            used: self
                .capacity
                .as_ref()
                .map(|one| one.bind(view))
                .transpose()?,
            heartbeat: self.heartbeat.bind(view)?,
            epoch: self.epoch(view, memory)?,
            work,
        };
        let mut scope = self.scope.bind(view)?;
        looking.all(&mut scope, sieve);
        for subject in sieve.red() {
            // A queue that is empty is a queue that is picked up.
            if !looking.work.contains_key(&**subject) {
                sieve.well(subject);
            }
        }
        Ok(())
    }
}

impl WaitingImplies {
    /// An epoch excuses a heartbeat of before it, and each heartbeat is excused by one epoch only: who starts over and over does no work.
    fn epoch(&self, view: &View<'_>, memory: &mut Memory) -> Judged<Option<Stamp>> {
        let Some(facet) = &self.epoch else {
            return Ok(None);
        };
        let rows = view.table(facet)?;
        let Some(row) = rows.rows().next() else {
            return Ok(None);
        };
        let cell = |name: &str| rows.index(name).map_or(&Value::Null, |index| row.at(index));
        let (id, Some(born)) = (
            cell("id").as_text().unwrap_or_default(),
            past(cell("born"), "born", view.taken()).ok(),
        ) else {
            return Ok(None);
        };
        let beats = view.table(&self.heartbeat.facet)?;
        let column = super::cell::index(beats, &self.heartbeat.facet, &self.heartbeat.column)?;
        let last = beats
            .rows()
            .filter_map(|row| row.at(column).as_time())
            .max();
        let last = last.map_or_else(|| "never".to_owned(), |last| last.to_string());
        let ever = Duration::from_secs(100 * 366 * 86_400);
        let since = memory.seen("epoch", &last, view.taken(), ever);
        // Nobody had seen this heartbeat before: it is excused by the epoch of now.
        if since.first == view.taken() {
            memory.note("epoch", id);
        }
        Ok((memory.noted("epoch") == Some(id)).then_some(born))
    }
}

impl Capacity {
    fn bind<'a>(&'a self, view: &View<'a>) -> Judged<Room<'a>> {
        Ok(Room {
            used: self
                .used
                .by_subject(view.table(&self.used.facet)?, view.taken())?,
            limit: self.limit.bind(view)?,
            ceiling: self
                .ceiling
                .as_ref()
                .map(|one| one.bind(view))
                .transpose()?,
        })
    }
}

impl<'a> Looking<'a> {
    fn all(&mut self, scope: &mut Within<'a>, sieve: &mut Sieve<'a>) {
        let work: Vec<_> = self
            .work
            .iter()
            .map(|(subject, one)| (*subject, one.count, one.trouble))
            .collect();
        for (subject, count, trouble) in work {
            let judged = match (scope.has(subject), trouble) {
                (Ok(false), _) => Ok(()),
                (Err(trouble), _) | (_, Some(trouble)) => Err(trouble),
                (Ok(true), None) => self.subject(subject, count, sieve),
            };
            if let Err(trouble) = judged {
                self.rule.missing.met(sieve, subject, trouble);
            }
        }
    }

    fn subject(
        &mut self,
        subject: &'a str,
        work: i64,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let room = self
            .used
            .as_mut()
            .map(|room| room.of(subject))
            .transpose()?;
        if work <= 0 || room.is_some_and(|(used, limit)| used >= limit) {
            sieve.well(subject);
            return Ok(());
        }
        let last = match past(self.heartbeat.cell(subject)?, "heartbeat", self.now) {
            Ok(last) => Some(last),
            Err(Trouble::Missing(_)) => None,
            Err(trouble) => return Err(trouble),
        };
        // A heartbeat from a near future is one of now.
        let age = last.max(self.epoch).map(|last| self.now.since(last).max(0));
        sieve.looked(subject, 0);
        if age.is_none_or(|age| age > self.rule.grace) {
            sieve.plain(subject, 0, || {
                let beat = last.map_or(Fact::None, Fact::Stamp);
                let mut found = facts([
                    ("work", Fact::Int(work)),
                    ("heartbeat", beat),
                    ("heartbeat_age", age.map_or(Fact::None, secs)),
                    ("grace", secs(self.rule.grace)),
                ]);
                found.extend(room.into_iter().flat_map(taken));
                found
            });
        }
        Ok(())
    }
}

fn taken((used, limit): (i64, i64)) -> Facts {
    facts([
        ("used", Fact::Int(used)),
        ("limit", Fact::Int(limit)),
        ("free", Fact::Int(limit.saturating_sub(used))),
    ])
}

impl<'a> Room<'a> {
    /// How much is used, and of how much.
    fn of(&mut self, subject: &'a str) -> std::result::Result<(i64, i64), Trouble<'a>> {
        let mut limit = self.limit.of(subject)?;
        if let Some(ceiling) = &mut self.ceiling {
            limit = limit.min(ceiling.of(subject)?);
        }
        let used = self.used.get(subject);
        match used.and_then(|used| used.trouble) {
            Some(trouble) => Err(trouble),
            None => Ok((used.map_or(0, |used| used.count), limit)),
        }
    }
}
