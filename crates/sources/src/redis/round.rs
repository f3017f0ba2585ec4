//! One look: all facets and all for whom they are asked, in chunks of one pipeline.

use std::time::Instant;

use runward_canary::{Ask, Cause, CauseKind, Context, Reading, Stamp};

use super::answer::Answer;
use super::command::{Command, Reply};
use super::wire::{Info, Login, Wire, cell, cells, pack};
use super::{Query, plan, scan};
use crate::bound::{self, Binding, Bound};
use crate::cell::Cell;
use crate::facet::{Facet, Form, Scope};
use crate::rows::{Rows, garbled};

/// How much goes out at a time; the next goes out before the answers to this one are read, so that the server is never idle, and no more.
const BYTES: usize = 128 << 10;
const COMMANDS: usize = 1024;

/// One facet in this look.
struct Part<'a> {
    facet: &'a Facet,
    query: &'a Query,
    bound: Bound<'a>,
    rows: Rows<'a>,
    failed: Option<Cause>,
}

/// What was sent: for which part, and for whom.
type Sent = (usize, usize);

/// Commands that are under way, and the instant before they were sent; the first of them asks for the server's time, if it may be asked for.
struct Batch {
    sent: Vec<Sent>,
    begun: Stamp,
}

struct Round<'a, 'c> {
    wire: Wire,
    context: &'c Context<'c>,
    parts: Vec<Part<'a>>,
    packed: Vec<u8>,
    /// Whether the server says what time it has.
    timed: bool,
    sent: Vec<Sent>,
    commands: usize,
    flying: Option<Batch>,
    watermark: Option<String>,
}

pub(super) fn read(
    login: &Login,
    asks: &[&Ask],
    context: &Context<'_>,
    until: Instant,
) -> Vec<Reading> {
    let begun = (context.clock)();
    let plans: Vec<_> = asks.iter().map(|ask| plan(ask)).collect();
    let mut parts = Vec::new();
    let mut readings: Vec<Option<Reading>> = Vec::new();
    for (ask, plan) in asks.iter().zip(&plans) {
        let part = part(ask, plan, context);
        readings.push(
            part.as_ref()
                .err()
                .map(|cause| Reading::failed(cause.clone(), begun, begun)),
        );
        parts.extend(part);
    }
    let read = read_parts(login, parts, context, until, begun);
    let mut read = read.into_iter();
    let fill = |reading: Option<Reading>| reading.or_else(|| read.next());
    readings.into_iter().filter_map(fill).collect()
}

fn part<'a>(
    ask: &'a Ask,
    plan: &'a Result<(Facet, Query), runward_canary::Error>,
    context: &Context<'a>,
) -> Result<Part<'a>, Cause> {
    let (facet, query) = plan
        .as_ref()
        .map_err(|error| Cause::new(CauseKind::NotRun, error.to_string()))?;
    let mut bound = bound::of(facet, ask, context)?;
    let rows = Rows::new(facet, ask, std::mem::take(&mut bound.gaps));
    Ok(Part {
        facet,
        query,
        bound,
        rows,
        failed: None,
    })
}

fn read_parts(
    login: &Login,
    parts: Vec<Part<'_>>,
    context: &Context<'_>,
    until: Instant,
    begun: Stamp,
) -> Vec<Reading> {
    if parts.is_empty() {
        return Vec::new();
    }
    let wire = match login.connect(until) {
        Ok(wire) => wire,
        Err(cause) => {
            let failed = |_| Reading::failed(cause.clone(), begun, (context.clock)());
            return parts.iter().map(failed).collect();
        }
    };
    let mut round = Round {
        wire,
        context,
        parts,
        packed: Vec::new(),
        timed: true,
        sent: Vec::new(),
        commands: 0,
        flying: None,
        watermark: None,
    };
    let end = round.run(login);
    round.finish(end, begun)
}

impl Round<'_, '_> {
    /// Asks for everything; if it breaks off, which part was being read, and why.
    fn run(&mut self, login: &Login) -> Result<(), (usize, Cause)> {
        self.greet(login).map_err(|cause| (0, cause))?;
        for part in 0..self.parts.len() {
            match self.parts[part].query {
                Query::Commands(commands) => self.ask(part, commands)?,
                Query::Scan(pattern) => {
                    self.settle()?;
                    self.scan(part, pattern).map_err(|cause| (part, cause))?;
                }
            }
        }
        self.settle()
    }

    fn ask(&mut self, part: usize, commands: &[Command]) -> Result<(), (usize, Cause)> {
        for whom in 0..self.parts[part].bound.all.len() {
            if self.packed.is_empty() && self.timed {
                pack(["TIME"].iter(), &mut self.packed);
            }
            let before = self.packed.len();
            let binding = &self.parts[part].bound.all[whom];
            let packed = commands
                .iter()
                .try_for_each(|command| command.pack(binding, &mut self.packed));
            match packed {
                Ok(()) => {
                    self.sent.push((part, whom));
                    self.commands += commands.len();
                }
                Err(cause) => {
                    self.packed.truncate(before);
                    self.parts[part].wrong(whom, cause);
                }
            }
            if self.packed.len() >= BYTES || self.commands >= COMMANDS {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// What has to be good before anything counts, and how far the server is.
    fn greet(&mut self, login: &Login) -> Result<(), Cause> {
        let mut packed = Vec::new();
        let first = login.greet(&mut packed);
        if login.info == Info::Asked {
            pack(["INFO", "server"].iter(), &mut packed);
            pack(["INFO", "replication"].iter(), &mut packed);
        }
        pack(["TIME"].iter(), &mut packed);
        let before = (self.context.clock)();
        self.wire.send(&packed)?;
        for _ in 0..first {
            for answer in self.wire.receive(1)? {
                cell(&answer)?;
            }
        }
        let words = match login.info {
            Info::Asked => itself(&self.wire.receive(2)?, login.user())?,
            Info::Waived => Default::default(),
        };
        let time = instant(&self.wire.receive(1)?)?;
        let after = (self.context.clock)();
        self.timed = time.is_some();
        self.watermark = Some(watermark(&words, time, (before, after)));
        Ok(())
    }

    /// Sends what was gathered, and reads the answers to what was sent before it.
    fn flush(&mut self) -> Result<(), (usize, Cause)> {
        if self.sent.is_empty() {
            return Ok(());
        }
        let begun = (self.context.clock)();
        let sent = std::mem::take(&mut self.sent);
        let oldest = self.flying.as_ref().map_or(&sent, |batch| &batch.sent);
        let first = oldest.first().map_or(0, |(part, _)| *part);
        let gone = self.wire.send(&self.packed);
        gone.map_err(|cause| (first, cause))?;
        self.packed.clear();
        self.commands = 0;
        match self.flying.replace(Batch { sent, begun }) {
            Some(before) => self.take(&before),
            None => Ok(()),
        }
    }

    /// Sends what was gathered, and reads all answers.
    fn settle(&mut self) -> Result<(), (usize, Cause)> {
        self.flush()?;
        match self.flying.take() {
            Some(last) => self.take(&last),
            None => Ok(()),
        }
    }

    /// Reads an answer for each command.
    fn take(&mut self, batch: &Batch) -> Result<(), (usize, Cause)> {
        let first = batch.sent.first().map_or(0, |(part, _)| *part);
        let began = self.began(batch).map_err(|cause| (first, cause))?;
        for &(part, whom) in &batch.sent {
            let Query::Commands(commands) = self.parts[part].query else {
                continue;
            };
            let answers = self.wire.receive(commands.len());
            let answers = answers.map_err(|cause| (part, cause))?;
            self.parts[part].take(whom, commands, &answers, began);
        }
        let ended = (self.context.clock)();
        let mut last = None;
        for &(part, _) in &batch.sent {
            if last.replace(part) != Some(part) {
                self.parts[part].rows.during(batch.begun, ended);
            }
        }
        Ok(())
    }

    /// When the server began with a batch, by its own clock; else the instant before it was sent, by ours.
    fn began(&mut self, batch: &Batch) -> Result<Stamp, Cause> {
        match self.timed {
            true => Ok(instant(&self.wire.receive(1)?)?.unwrap_or(batch.begun)),
            false => Ok(batch.begun),
        }
    }

    fn scan(&mut self, part: usize, pattern: &scan::Pattern) -> Result<(), Cause> {
        let begun = (self.context.clock)();
        let keys = pattern.keys(&mut self.wire)?;
        let part = &mut self.parts[part];
        pattern.push(&keys, &mut part.rows, begun)?;
        part.rows.during(begun, (self.context.clock)());
        Ok(())
    }

    fn finish(self, end: Result<(), (usize, Cause)>, begun: Stamp) -> Vec<Reading> {
        let now = (self.context.clock)();
        let (whole, cause) = match end {
            Ok(()) => (self.parts.len(), None),
            Err((part, cause)) => (part, Some(cause)),
        };
        let reading = |(index, part): (usize, Part<'_>)| {
            let broken = cause.clone().filter(|_| index >= whole);
            match part.failed.or(broken) {
                Some(cause) => Reading::failed(cause, begun, now),
                None => part.rows.finish(begun, now, self.watermark.clone()),
            }
        };
        self.parts.into_iter().enumerate().map(reading).collect()
    }
}

impl Part<'_> {
    fn take(&mut self, whom: usize, commands: &[Command], answers: &[Answer<'_>], begun: Stamp) {
        let binding = &self.bound.all[whom];
        let rows = &mut self.rows;
        let taken = match (commands, answers) {
            ([command], [answer]) if command.reply != Reply::Fields => {
                list(rows, command.reply, answer, binding, begun)
            }
            _ => fields(rows, self.facet, answers, binding, begun),
        };
        if let Err(cause) = taken {
            self.wrong(whom, cause);
        }
    }

    /// Something is wrong with the answer for one, or with the answer.
    fn wrong(&mut self, whom: usize, cause: Cause) {
        match self.bound.all[whom].subject().map(str::to_owned) {
            Some(subject) => self.rows.gap(&subject, cause),
            None => self.failed = Some(cause),
        }
    }
}

/// A row for each element, or for each two.
fn list(
    rows: &mut Rows<'_>,
    reply: Reply,
    answer: &Answer<'_>,
    binding: &Binding<'_>,
    begun: Stamp,
) -> Result<(), Cause> {
    let cells = cells(answer)?;
    let width = if reply == Reply::Pairs { 2 } else { 1 };
    if rows.form() == Form::Count {
        let count = i64::try_from(cells.len() / width).unwrap_or(i64::MAX);
        return rows.push_single(Some(Cell::Int(count)), binding, begun);
    }
    if cells.len() % width != 0 {
        return Err(garbled(
            "an odd number of values came where pairs were asked for",
        ));
    }
    cells
        .chunks(width)
        .try_for_each(|row| rows.push(row, binding, begun))
}

/// One row.
fn fields(
    rows: &mut Rows<'_>,
    facet: &Facet,
    answers: &[Answer<'_>],
    binding: &Binding<'_>,
    begun: Stamp,
) -> Result<(), Cause> {
    let mut row = Vec::with_capacity(answers.len());
    for answer in answers {
        match answer {
            Answer::List(_) => row.extend(cells(answer)?),
            _ => row.push(cell(answer)?),
        }
    }
    let nothing = row.iter().all(|cell| *cell == Cell::Null);
    match rows.is_single() {
        true => rows.push_single(row.into_iter().next(), binding, begun),
        // A key that is not there is no row, unless somebody is asked for by name.
        false if nothing && facet.scope == Scope::Once => Ok(()),
        false => rows.push(&row, binding, begun),
    }
}

fn text(answer: &Answer<'_>) -> String {
    match answer {
        Answer::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    lines
        .into_iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim())
}

/// What the server says of itself.
///
/// # Errors
///
/// When it is a replica without a master, or does not say whether it is.
fn itself(answers: &[Answer<'_>], user: &str) -> Result<[String; 2], Cause> {
    let [server, replication] = answers else {
        return Err(garbled("redis says nothing of itself"));
    };
    if let Err(cause) = cell(replication) {
        let refused = ["NOPERM", "unknown command"];
        return Err(
            match refused.iter().any(|word| cause.detail().contains(word)) {
                true => Cause::new(
                    CauseKind::Denied,
                    format!(
                        "redis refuses INFO, and so nobody knows whether it is a replica that has lost its master: allow it (ACL SETUSER {user} +info), or do without (info = false in the source)"
                    ),
                ),
                false => cause,
            },
        );
    }
    let words = [server, replication].map(text);
    match value(&words[1], "master_link_status") {
        Some(status) if status != "up" => Err(Cause::new(
            CauseKind::Stale,
            "redis is a replica that has lost its master",
        )),
        _ => Ok(words),
    }
}

/// The time of the server; none if it may not be asked for.
fn instant(answers: &[Answer<'_>]) -> Result<Option<Stamp>, Cause> {
    let parts = match answers.first().map(cells) {
        Some(Ok(parts)) => parts,
        // Whoever may not ask for the time may be allowed to ask for the rest.
        Some(Err(cause)) if cause.detail().contains("NOPERM") => return Ok(None),
        Some(Err(cause)) => return Err(cause),
        None => Vec::new(),
    };
    let number = |part: &Cell<'_>| match part {
        Cell::Text(text) => text.parse::<i64>().ok(),
        _ => None,
    };
    let [Some(seconds), Some(micros)] = [0, 1].map(|at| parts.get(at).and_then(number)) else {
        return Err(garbled("redis answers with no time"));
    };
    let micros = seconds.saturating_mul(1_000_000).saturating_add(micros);
    Ok(Some(Stamp::from_micros(micros)))
}

/// Which server it was, how far its stream of changes, its own clock, and by how much that is before ours.
fn watermark(words: &[String; 2], time: Option<Stamp>, (before, after): (Stamp, Stamp)) -> String {
    let run = value(&words[0], "run_id").unwrap_or("?");
    let offset = value(&words[1], "master_repl_offset").unwrap_or("?");
    let Some(time) = time else {
        return format!("run={run} offset={offset} time=?");
    };
    // It was answered at some time between those two.
    let ahead = match time {
        _ if time < before => time.since(before),
        _ if time > after => time.since(after),
        _ => 0,
    };
    let ahead = ahead / 1000;
    format!("run={run} offset={offset} time={time} ahead={ahead}ms")
}
