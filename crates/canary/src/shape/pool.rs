//! `pool`: workers that fetch their work themselves are there, alive, and fetch it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Shape;
use super::cell::{
    Joined, LEASE, Trouble, Whose, facts, index, int, micros, near, past, secs, truth,
};
use super::common::{Missing, kinds as renamed};
use super::facet::{Judged, Lookup, column, facet, name, need_column};
use super::judge::Judge;
use super::scope::{MODE, Scope};
use super::sieve::Sieve;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key, one_of};
use crate::rules::node::Result;
use crate::{Check, Fact, Facts, Kind, Memory, Stamp, Table, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "pool",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("mode", Form::Table(MODE)),
    key("report", Form::Texts),
    key("queued", Form::Text),
    key("busy", Form::Text),
    key("busy_until", Form::Text),
    key("pulls", Form::Text),
    key("size", Form::Text),
    key("started", Form::Text),
    key("running", Form::Text),
    key("polled", Form::Text),
    key("ended", Form::Text),
    key("claim_grace", Form::Duration),
    key("silence_grace", Form::Duration),
];

const KINDS: [&str; 4] = [
    "queued_not_claimed",
    "workers_missing",
    "workers_silent",
    "pilot_stopped",
];
const NOT_CLAIMED: usize = 0;
const NO_WORKERS: usize = 1;
const SILENT: usize = 2;
const STOPPED: usize = 3;

struct Pool {
    scope: Scope,
    /// By the numbers of the kinds: under which name each is reported.
    report: [Option<usize>; 4],
    kinds: Vec<String>,
    queued: String,
    busy: String,
    busy_until: String,
    pulls: Lookup,
    size: Lookup,
    started: Option<Lookup>,
    running: Option<Lookup>,
    polled: Option<Lookup>,
    /// When what they held came to an end, of each row: until then, nobody was idle.
    ended: Option<Lookup>,
    claim_grace: i64,
    silence_grace: i64,
    missing: Missing,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let (report, chosen) = report(fields)?;
    let busy = facet(fields, "busy", facets)?;
    let queued = facet(fields, "queued", facets)?;
    need_column(fields.need("queued")?, queued, "born", Some(Kind::Time))?;
    let lookup = |key, kind| {
        fields
            .get(key)
            .map(|node| Lookup::read(node, facets, kind))
            .transpose()
    };
    let needed = |key| move || fields.error(format!("`{key}` is missing"));
    if report[SILENT].is_some()
        && (fields.get("polled").is_none() || fields.get("started").is_none())
    {
        return Err(fields.error("`workers_silent` needs `polled`, and `started` to count from"));
    }
    let grace = |key, usual| -> Result<i64> {
        let grace = fields.duration(key)?.unwrap_or(Duration::from_secs(usual));
        Ok(micros(grace))
    };
    Ok(Box::new(Pool {
        scope: Scope::read(fields, facets)?,
        kinds: renamed(fields, &chosen)?,
        queued: name(queued),
        busy_until: column(fields, "busy_until", "lease_expires_at", busy, Kind::Time)?,
        busy: name(busy),
        pulls: lookup("pulls", None)?.ok_or_else(needed("pulls"))?,
        size: lookup("size", Some(Kind::Int))?.ok_or_else(needed("size"))?,
        started: lookup("started", Some(Kind::Time))?,
        running: lookup("running", None)?,
        polled: lookup("polled", Some(Kind::Time))?,
        ended: lookup("ended", Some(Kind::Time))?,
        missing: Missing::read(fields)?,
        claim_grace: grace("claim_grace", 120)?,
        silence_grace: grace("silence_grace", 300)?,
        report,
    }))
}

fn report(fields: Fields<'_>) -> Result<([Option<usize>; 4], Vec<&'static str>)> {
    let nodes = fields.need("report")?;
    let mut report = [None; 4];
    let mut chosen = Vec::new();
    for node in nodes.several() {
        let kind = one_of(node, &KINDS)?;
        if report[kind].replace(chosen.len()).is_some() {
            return Err(node.error("this kind is there twice"));
        }
        chosen.push(KINDS[kind]);
    }
    match chosen.is_empty() {
        true => Err(nodes.error("say which kinds are reported here")),
        false => Ok((report, chosen)),
    }
}

/// What is known of one subject's workers.
struct Workers<'a> {
    size: i64,
    busy: i64,
    oldest: Option<Stamp>,
    pulls: bool,
    polled: Option<Stamp>,
    started: Option<Stamp>,
    ended: Option<Stamp>,
    subject: &'a str,
}

struct Looking<'a> {
    rule: &'a Pool,
    now: Stamp,
    oldest: Told<'a, Stamp>,
    busy: Told<'a, i64>,
    pulls: Joined<'a>,
    size: Joined<'a>,
    started: Option<Joined<'a>>,
    running: Option<Joined<'a>>,
    polled: Option<Joined<'a>>,
    ended: Told<'a, Stamp>,
}

type Told<'a, T> = BTreeMap<&'a str, std::result::Result<T, Trouble<'a>>>;

impl Judge for Pool {
    fn facets(&self) -> Vec<&str> {
        let mut needs: Vec<&str> = vec![
            &self.queued,
            &self.busy,
            &self.pulls.facet,
            &self.size.facet,
        ];
        let others = [&self.started, &self.running, &self.polled, &self.ended];
        needs.extend(others.into_iter().flatten().map(|lookup| &*lookup.facet));
        needs.extend(self.scope.facet());
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let queued = view.table(&self.queued)?;
        let mut looking = Looking {
            rule: self,
            now: view.taken(),
            oldest: oldest(queued, &self.queued, view.taken())?,
            busy: self.busy(view.table(&self.busy)?, view.taken())?,
            pulls: self.pulls.bind(view)?,
            size: self.size.bind(view)?,
            started: self
                .started
                .as_ref()
                .map(|one| one.bind(view))
                .transpose()?,
            running: self
                .running
                .as_ref()
                .map(|one| one.bind(view))
                .transpose()?,
            polled: self.polled.as_ref().map(|one| one.bind(view)).transpose()?,
            ended: match &self.ended {
                Some(lookup) => newest(view.table(&lookup.facet)?, lookup, view.taken())?,
                None => Told::new(),
            },
        };
        let mut scope = self.scope.bind(view)?;
        let subjects = match self.scope.facet() {
            Some(_) => scope.subjects(),
            None => looking.pulls.subjects().collect(),
        };
        for subject in subjects {
            let judged = match scope.has(subject) {
                Ok(true) => looking.subject(subject, sieve),
                Ok(false) => Ok(()),
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = judged {
                self.missing.met(sieve, subject, trouble);
            }
        }
        Ok(())
    }
}

impl Pool {
    /// How many hold something that is still theirs.
    fn busy<'a>(&'a self, table: &'a Table, now: Stamp) -> Judged<Told<'a, i64>> {
        let whose = Whose::of(table, &self.busy);
        let until = index(table, &self.busy, &self.busy_until)?;
        let mut busy: Told<'a, i64> = BTreeMap::new();
        for row in table.rows() {
            let held = match near(row.at(until), &self.busy_until, now, LEASE) {
                Ok(until) if until > now => Ok(1),
                Ok(_) | Err(Trouble::Missing(_)) => continue,
                Err(trouble) => Err(trouble),
            };
            let count = busy.entry(whose.subject(row)).or_insert(Ok(0));
            *count = count.and_then(|count| Ok(count + held?));
        }
        Ok(busy)
    }
}

/// Since when the oldest of each subject waits.
fn oldest<'a>(table: &'a Table, facet: &'a str, now: Stamp) -> Judged<Told<'a, Stamp>> {
    let whose = Whose::of(table, facet);
    let born = index(table, facet, "born")?;
    let mut oldest: Told<'a, Stamp> = BTreeMap::new();
    for row in table.rows() {
        let since = past(row.at(born), "born", now);
        let known = oldest.entry(whose.subject(row)).or_insert(since);
        *known = known.and_then(|known| since.map(|since| known.min(since)));
    }
    Ok(oldest)
}

/// When the last of each subject ended. One without an end is the matter of another invariant.
fn newest<'a>(table: &'a Table, lookup: &'a Lookup, now: Stamp) -> Judged<Told<'a, Stamp>> {
    let whose = Whose::of(table, &lookup.facet);
    let column = index(table, &lookup.facet, &lookup.column)?;
    let mut newest: Told<'a, Stamp> = BTreeMap::new();
    for row in table.rows() {
        let ended = match past(row.at(column), &lookup.column, now) {
            Err(Trouble::Missing(_)) => continue,
            read => read,
        };
        let known = newest.entry(whose.subject(row)).or_insert(ended);
        *known = known.and_then(|known| ended.map(|ended| known.max(ended)));
    }
    Ok(newest)
}

impl<'a> Looking<'a> {
    fn subject(
        &mut self,
        subject: &'a str,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let oldest = self.oldest.get(subject).copied().transpose()?;
        if !self.runs(subject)? {
            self.look(STOPPED, subject, sieve, |now, rule| {
                let waits = now.since(oldest?);
                (waits > rule.claim_grace).then(|| facts([("oldest", secs(waits))]))
            });
            return Ok(());
        }
        self.look(STOPPED, subject, sieve, |_, _| None);
        let pulls = self.pulls(subject)?;
        let workers = Workers {
            pulls,
            // How many it would have does not matter where none fetches anything.
            size: if pulls { self.size(subject)? } else { 0 },
            busy: self.busy.get(subject).copied().unwrap_or(Ok(0))?,
            polled: instant(&mut self.polled, subject, ("polled", self.now))?,
            started: instant(&mut self.started, subject, ("started", self.now))?,
            ended: self.ended.get(subject).copied().transpose()?,
            oldest,
            subject,
        };
        self.workers(&workers, sieve)
    }

    fn workers(
        &mut self,
        workers: &Workers<'a>,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let subject = workers.subject;
        self.look(NO_WORKERS, subject, sieve, |_, _| {
            (!workers.pulls).then(|| workers.facts())
        });
        let idle = workers.size.saturating_sub(workers.busy);
        // Nobody who is busy asks for work.
        if !workers.pulls || idle <= 0 {
            sieve.well(subject);
            return Ok(());
        }
        self.look(NOT_CLAIMED, subject, sieve, |now, rule| {
            // Who was at work could not claim it.
            let oldest = workers.oldest?;
            let since = workers.ended.map_or(oldest, |ended| ended.max(oldest));
            let mut found = workers.facts();
            found.insert("oldest".to_owned(), secs(now.since(oldest)));
            (now.since(since) > rule.claim_grace).then_some(found)
        });
        if self.rule.report[SILENT].is_none() {
            return Ok(());
        }
        let last = workers.polled.max(workers.started).max(workers.ended);
        let Some(last) = last else {
            return Err(Trouble::Missing("started"));
        };
        self.look(SILENT, subject, sieve, |now, rule| {
            let silence = now.since(last);
            let mut found = workers.facts();
            let polled = workers.polled.map_or(Fact::None, Fact::Stamp);
            found.extend(facts([("polled", polled), ("silence", secs(silence))]));
            (silence > rule.silence_grace).then_some(found)
        });
        Ok(())
    }

    /// What this rule does not report is not looked at.
    fn look(
        &self,
        kind: usize,
        subject: &'a str,
        sieve: &mut Sieve<'a>,
        wrong: impl FnOnce(Stamp, &Pool) -> Option<Facts>,
    ) {
        if let Some(kind) = self.rule.report[kind] {
            sieve.looked(subject, kind);
            if let Some(found) = wrong(self.now, self.rule) {
                sieve.plain(subject, kind, || found);
            }
        }
    }

    /// Whether its workers fetch their work. A container that was listed without the flag has none that do.
    fn pulls(&mut self, subject: &'a str) -> std::result::Result<bool, Trouble<'a>> {
        match self.pulls.get(subject)? {
            Some(Value::Null) => Ok(false),
            cell => truth(cell.unwrap_or(&Value::Null), &self.rule.pulls.column),
        }
    }

    fn size(&mut self, subject: &'a str) -> std::result::Result<i64, Trouble<'a>> {
        int(self.size.cell(subject)?, &self.rule.size.column)
    }

    /// Whether its container runs; one that is not among those that were listed does not.
    fn runs(&mut self, subject: &'a str) -> std::result::Result<bool, Trouble<'a>> {
        let (Some(running), Some(lookup)) = (&mut self.running, &self.rule.running) else {
            return Ok(self.pulls.knows(subject));
        };
        match running.get(subject)? {
            None => Ok(false),
            Some(cell) => truth(cell, &lookup.column).or_else(|trouble| match cell.as_text() {
                Some(state) => Ok(state == "running"),
                None => Err(trouble),
            }),
        }
    }
}

impl Workers<'_> {
    fn facts(&self) -> Facts {
        facts([
            ("size", Fact::Int(self.size)),
            ("busy", Fact::Int(self.busy)),
            ("idle", Fact::Int(self.size.saturating_sub(self.busy))),
        ])
    }
}

fn instant<'a>(
    joined: &mut Option<Joined<'a>>,
    subject: &'a str,
    (name, now): (&'static str, Stamp),
) -> std::result::Result<Option<Stamp>, Trouble<'a>> {
    let Some(joined) = joined else {
        return Ok(None);
    };
    match past(joined.cell(subject)?, name, now) {
        Ok(stamp) => Ok(Some(stamp)),
        Err(Trouble::Missing(_)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}
