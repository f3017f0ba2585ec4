//! `decay_floor`: what runs down began at no less than it should have.
//!
//! What is left and how long ago it began are added up to what it was at the beginning; both are taken at the instant at which that very value was read.

use std::collections::HashMap;
use std::time::Duration;

use super::cell::{LEASE, Trouble, Whose, facts, index, int, micros, near, past, same, secs};
use super::common::kinds;
use super::facet::{Judged, Limit, Limits, Lookup, column, facet, need_column};
use super::filter::FILTER;
use super::judge::Judge;
use super::rows::{Element, Rows};
use super::sieve::Sieve;
use super::{Shape, cell};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Check, Fact, Facts, Kind, Memory, Row, Stamp, Table, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "decay_floor",
    keys: &[KEYS, FILTER],
    read,
};

const KEYS: &[Key] = &[
    key("of", Form::Text),
    key("remaining", Form::Text),
    key("born", Form::Text),
    key("read_at", Form::Text),
    key("floor", Form::Limit),
    key("tolerance", Form::Duration),
];

const GONE: usize = 0;
const ENDLESS: usize = 1;
const BELOW: usize = 2;

struct DecayFloor {
    rows: Rows,
    remaining: String,
    born: Born,
    read_at: String,
    floor: Limit,
    tolerance: i64,
    kinds: Vec<String>,
}

/// Where the birth of an element stands.
enum Born {
    Own(String),
    /// In another facet, by subject and id.
    Other(Lookup),
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let born = fields.need("born")?;
    let born = match born.text()?.contains('.') {
        true => Born::Other(Lookup::read(born, facets, Some(Kind::Time))?),
        false => Born::Own(need_column(born, of, born.text()?, Some(Kind::Time))?),
    };
    Ok(Box::new(DecayFloor {
        remaining: column(fields, "remaining", "remaining", of, Kind::Int)?,
        read_at: column(fields, "read_at", "read_at", of, Kind::Time)?,
        floor: Limit::read(fields.need("floor")?, of, facets)?,
        tolerance: micros(fields.duration("tolerance")?.unwrap_or(Duration::ZERO)),
        rows: Rows::read(fields, of)?,
        kinds: kinds(fields, &["missing", "no_expiry", "below_floor"])?,
        born,
    }))
}

struct Looking<'a> {
    rule: &'a DecayFloor,
    now: Stamp,
    remaining: usize,
    read_at: usize,
    births: Births<'a>,
    limits: Limits<'a>,
}

impl Judge for DecayFloor {
    fn facets(&self) -> Vec<&str> {
        let born = match &self.born {
            Born::Other(lookup) => Some(&*lookup.facet),
            Born::Own(_) => None,
        };
        std::iter::once(&*self.rows.of)
            .chain(born)
            .chain(self.floor.needs())
            .collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let of = &self.rows.of;
        let table = view.table(of)?;
        let births = match &self.born {
            Born::Own(column) => Births::Own(index(table, of, column)?),
            Born::Other(lookup) => Births::of(view.table(&lookup.facet)?, lookup)?,
        };
        let mut looking = Looking {
            rule: self,
            now: view.taken(),
            remaining: index(table, of, &self.remaining)?,
            read_at: index(table, of, &self.read_at)?,
            births,
            limits: self.floor.bind(table, of, view)?,
        };
        let look = |element, sieve: &mut Sieve<'a>| looking.row(element, sieve);
        self.rows.each(view, sieve, look)
    }
}

impl<'a> Looking<'a> {
    fn row(
        &mut self,
        element: Element<'a>,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let left = int(element.row.at(self.remaining), &self.rule.remaining)?;
        match left {
            -2 | -1 => {
                let kind = if left == -2 { GONE } else { ENDLESS };
                sieve.looked(element.subject, kind);
                sieve.bad(element.subject, kind, element.id(), 0, || {
                    self.plain(element)
                });
                Ok(())
            }
            // It ends right now: nothing can be told from it.
            0 => Ok(()),
            1.. => self.above(element, left, sieve),
            _ => Err(Trouble::Malformed(&self.rule.remaining)),
        }
    }

    fn above(
        &mut self,
        element: Element<'a>,
        left: i64,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let (Element { subject, row, .. }, id) = (element, element.id());
        // It has an expiry, whatever else can be told.
        sieve.looked(subject, GONE);
        sieve.also(ENDLESS);
        // The clock of the server may be another; one of another day measures nothing.
        let read_at = near(row.at(self.read_at), &self.rule.read_at, self.now, LEASE)?;
        let born = past(self.births.get(subject, id, row), "born", read_at)?;
        let floor = self.limits.of(subject, row)?;
        let age = read_at.since(born).max(0);
        let initial = left.saturating_mul(1_000_000).saturating_add(age);
        sieve.also(BELOW);
        let under = floor
            .saturating_sub(self.rule.tolerance)
            .saturating_sub(initial);
        if under > 0 {
            sieve.bad(subject, BELOW, id, under, || {
                let mut facts = self.plain(element);
                facts.extend(cell::facts([
                    ("initial", secs(initial)),
                    ("age", secs(age)),
                    ("floor", secs(floor)),
                    ("read_at", Fact::Stamp(read_at)),
                ]));
                facts
            });
        }
        Ok(())
    }

    fn plain(&self, element: Element<'a>) -> Facts {
        facts([
            ("id", Fact::id(element.id())),
            ("remaining", cell::fact(element.row.at(self.remaining))),
        ])
    }
}

/// Births by subject and id. Rows that were asked for one by one come in the order of those that they were asked for, so that mostly nothing is looked up.
enum Births<'a> {
    Own(usize),
    Other(Others<'a>),
}

struct Others<'a> {
    table: &'a Table,
    whose: Whose<'a>,
    column: usize,
    next: usize,
    all: Option<HashMap<(&'a str, &'a str), usize>>,
}

impl<'a> Births<'a> {
    fn of(table: &'a Table, lookup: &'a Lookup) -> Judged<Self> {
        Ok(Self::Other(Others {
            table,
            whose: Whose::of(table, &lookup.facet),
            column: index(table, &lookup.facet, &lookup.column)?,
            next: 0,
            all: None,
        }))
    }

    fn get(&mut self, subject: &'a str, id: &'a str, row: Row<'a>) -> &'a Value {
        match self {
            Self::Own(index) => row.at(*index),
            Self::Other(others) => others.get(subject, id),
        }
    }
}

impl<'a> Others<'a> {
    fn get(&mut self, subject: &'a str, id: &'a str) -> &'a Value {
        let row = self.here(subject, id).or_else(|| {
            self.next = self.find(subject, id)?;
            self.here(subject, id)
        });
        let Some(row) = row else {
            return &Value::Null;
        };
        self.next += 1;
        row.at(self.column)
    }

    /// The next row, if it is the one.
    fn here(&self, subject: &str, id: &str) -> Option<Row<'a>> {
        let row = self.table.row(self.next)?;
        let is = same(self.whose.id(row), id) && same(self.whose.subject(row), subject);
        is.then_some(row)
    }

    fn find(&mut self, subject: &'a str, id: &'a str) -> Option<usize> {
        let (table, whose) = (self.table, self.whose);
        let numbered = || {
            let rows = table.rows().enumerate();
            rows.map(|(number, row)| ((whose.subject(row), whose.id(row)), number))
        };
        let all = self.all.get_or_insert_with(|| numbered().collect());
        all.get(&(subject, id)).copied()
    }
}
