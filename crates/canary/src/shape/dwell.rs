//! `dwell`: nothing stays there for so long, and it has to be the very same thing.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::cell::{Trouble, Whose, facts, index, micros, secs};
use super::common::kinds;
use super::facet::{Judged, facet, name, need_column};
use super::filter::{FILTER, Filter, Sift};
use super::judge::Judge;
use super::sieve::Sieve;
use super::{Shape, remembered};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Check, Fact, Memory, Row, Stamp, Table, View};

pub(super) const SHAPE: Shape = Shape {
    name: "dwell",
    keys: &[KEYS, FILTER],
    read,
};

const KEYS: &[Key] = &[
    key("of", Form::Text),
    key("generation", Form::Text),
    key("min", Form::Duration),
    key("gap", Form::Duration),
];

struct Dwell {
    of: String,
    generation: String,
    min: i64,
    gap: Duration,
    filter: Filter,
    kinds: Vec<String>,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let Some(generation) = fields.get("generation") else {
        let message = "`generation` is missing: without the column that tells one bearer of an id from the next, two short stays look like a long one";
        return Err(fields.error(message));
    };
    let min = crate::rules::fields::duration(fields.need("min")?)?;
    Ok(Box::new(Dwell {
        of: name(of),
        generation: need_column(generation, of, generation.text()?, None)?,
        gap: gap(fields, min, facets.interval())?,
        min: micros(min),
        filter: Filter::read(fields, of)?,
        kinds: kinds(fields, &["persists"])?,
    }))
}

/// A gap that is hardly longer than the way from one cycle to the next begins anew with each that is late, and then nothing ever lasts.
fn gap(fields: Fields<'_>, min: Duration, interval: Duration) -> Result<Duration> {
    let least = interval.saturating_mul(2);
    let Some(gap) = fields.duration("gap")? else {
        return Ok(min.max(least));
    };
    if gap >= least {
        return Ok(gap);
    }
    let [gap, least, interval] = [gap, least, interval].map(humantime::format_duration);
    let message = format!(
        "a gap of {gap} is shorter than two intervals of {interval}, so that a cycle that is late begins anew: write gap = \"{least}\" or more, or a shorter `interval` in [policy]"
    );
    Err(fields.need("gap")?.error(message))
}

struct Looking<'a> {
    rule: &'a Dwell,
    now: Stamp,
    boot: &'a str,
    generation: usize,
    whose: Whose<'a>,
    counts: BTreeMap<&'a str, i64>,
    seen: HashSet<String>,
}

impl Judge for Dwell {
    fn facets(&self) -> Vec<&str> {
        vec![&self.of]
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, memory: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let table = view.table(&self.of)?;
        let sift = self.filter.bind(table, &self.of)?;
        let mut looking = Looking {
            rule: self,
            now: view.taken(),
            boot: view.boot().unwrap_or_default(),
            generation: index(table, &self.of, &self.generation)?,
            whose: Whose::of(table, &self.of),
            counts: BTreeMap::new(),
            seen: HashSet::new(),
        };
        let (taken, mut troubled) = looking.taken(table, &sift, sieve);
        for row in taken {
            let subject = looking.whose.subject(row);
            if let Err(trouble) = looking.row(subject, row, (memory, sieve)) {
                sieve.trouble(subject, trouble);
                troubled.insert(subject);
            }
        }
        let gaps = view.reading(&self.of)?.gaps();
        let unseen = |subject: &str| gaps.contains_key(subject) || troubled.contains(subject);
        looking.forget(memory, unseen);
        Ok(())
    }
}

impl<'a> Looking<'a> {
    /// The rows that are looked at, and the subjects of those of which nobody can tell.
    fn taken(
        &mut self,
        table: &'a Table,
        sift: &Sift<'_>,
        sieve: &mut Sieve<'a>,
    ) -> (Vec<Row<'a>>, HashSet<&'a str>) {
        let (mut taken, mut troubled) = (Vec::new(), HashSet::new());
        for row in table.rows() {
            let subject = self.whose.subject(row);
            match sift.takes(row, self.now) {
                Ok(true) => {
                    *self.counts.entry(subject).or_default() += 1;
                    taken.push(row);
                }
                Ok(false) => {}
                Err(trouble) => {
                    sieve.trouble(subject, trouble);
                    troubled.insert(subject);
                }
            }
        }
        (taken, troubled)
    }

    fn row(
        &mut self,
        subject: &'a str,
        row: Row<'a>,
        (memory, sieve): (&mut Memory, &mut Sieve<'a>),
    ) -> std::result::Result<(), Trouble<'a>> {
        let id = self.whose.id(row);
        let name = &self.rule.generation;
        let generation = remembered::generation(row.at(self.generation), name)?;
        let generation = remembered::key([self.boot, &generation]);
        let key = remembered::key([subject, id]);
        let since = memory.seen(&key, &generation, self.now, self.rule.gap);
        let count = self.counts[subject];
        if since.first == self.now {
            memory.note(&key, count.to_string());
        }
        let held = self.now.since(since.first);
        sieve.looked(subject, 0);
        if held >= self.rule.min {
            let first = memory.noted(&key).and_then(|note| note.parse().ok());
            sieve.bad(subject, 0, id, held, || {
                facts([
                    ("id", Fact::id(id)),
                    ("held_for", secs(held)),
                    ("first_seen", Fact::Stamp(since.first)),
                    ("count", Fact::Int(count)),
                    ("first_count", first.map_or(Fact::None, Fact::Int)),
                    ("min", secs(self.rule.min)),
                ])
            });
        }
        self.seen.insert(key);
        Ok(())
    }

    /// What was looked for and is not there has gone; where nobody could look, nothing has.
    fn forget(&self, memory: &mut Memory, unseen: impl Fn(&str) -> bool) {
        let gone = |key: &&str| !self.seen.contains(*key) && !unseen(remembered::subject(key));
        let gone: Vec<String> = memory.keys().filter(gone).map(str::to_owned).collect();
        for key in gone {
            memory.forget(&key);
        }
    }
}
