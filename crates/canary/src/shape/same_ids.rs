//! `same_ids`: two readings name the same things.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Duration;

use super::cell::{Trouble, Whose, facts, micros, secs};
use super::common::kinds;
use super::condition::Condition;
use super::facet::{Judged, facet, name, need_column};
use super::filter::Filter;
use super::judge::Judge;
use super::sieve::Sieve;
use super::{Shape, cell};
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::rules::{FacetRule, Facets};
use crate::{Check, Fact, Memory, Row, Stamp, Table, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "same_ids",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("left", Form::Text),
    key("right", Form::Text),
    key("side", Form::OneOf(SIDES)),
    key("exclude", Form::Table(EXCLUDE)),
    key("grace", Form::Duration),
    key("grace_left", Form::Duration),
    key("grace_right", Form::Duration),
];

const EXCLUDE: &[Key] = &[
    key("left", Form::Conditions),
    key("right", Form::Conditions),
    key("left_prefix", Form::Text),
    key("right_prefix", Form::Text),
    key("left_set", Form::Text),
    key("right_set", Form::Text),
];

const SIDES: &[&str] = &["left", "right", "both"];

struct SameIds {
    sides: [Side; 2],
    /// By the numbers of their sides: which kinds there are.
    watched: Vec<usize>,
    kinds: Vec<String>,
}

struct Side {
    facet: String,
    grace: i64,
    filter: Filter,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let left = facet(fields, "left", facets)?;
    let right = facet(fields, "right", facets)?;
    if left.is_like(right) {
        let message = "`left` and `right` read the same, which is always the same as itself: compare two readings";
        return Err(fields.need("right")?.error(message));
    }
    let watched = match fields.one_of("side", SIDES)? {
        Some(side @ 0..=1) => vec![side],
        _ => vec![0, 1],
    };
    let usual = ["only_left", "only_right"];
    let usual: Vec<&str> = watched.iter().map(|side| usual[*side]).collect();
    if left.has("subject") != right.has("subject") || !left.has("id") || !right.has("id") {
        return Err(fields
            .error("both sides need an `id`, and both or neither a `subject`, to be compared"));
    }
    Ok(Box::new(SameIds {
        sides: [side(fields, "left", left)?, side(fields, "right", right)?],
        kinds: kinds(fields, &usual)?,
        watched,
    }))
}

fn side(fields: Fields<'_>, which: &str, facet: &FacetRule) -> Result<Side> {
    let grace = fields.duration(&format!("grace_{which}"))?;
    let grace = grace
        .or(fields.duration("grace")?)
        .unwrap_or(Duration::ZERO);
    if !grace.is_zero() {
        let node = fields
            .get("grace")
            .or(fields.get(&format!("grace_{which}")));
        need_column(node.unwrap_or(fields.node), facet, "born", None)?;
    }
    Ok(Side {
        facet: name(facet),
        grace: micros(grace),
        filter: exclude(fields, which, facet)?,
    })
}

fn exclude(fields: Fields<'_>, which: &str, facet: &FacetRule) -> Result<Filter> {
    let Some(node) = fields.get("exclude") else {
        return Ok(Filter::default());
    };
    let fields = Fields::new(node, "`exclude`", &[EXCLUDE])?;
    let mut filter = Filter::of(None, fields.get(which), facet)?;
    if let Some(prefix) = fields.text(&format!("{which}_prefix"))? {
        filter = filter.but(Condition::prefix("id", prefix));
    }
    if let Some(column) = fields.get(&format!("{which}_set")) {
        let column = need_column(column, facet, column.text()?, None)?;
        filter = filter.but(Condition::held(&column, facet));
    }
    Ok(filter)
}

type Key2<'a> = (&'a str, &'a str);

/// By subject, which most neighbours share, then by id.
fn order(one: Key2<'_>, other: Key2<'_>) -> Ordering {
    match std::ptr::eq(one.0, other.0) {
        true => one.1.cmp(other.1),
        false => one.cmp(&other),
    }
}

/// Which of two births of one element counts, in whichever order they come: one that cannot be read, else none at all, else the older.
fn older(one: &Value, other: &Value) -> bool {
    let rank = |born: &Value| match born {
        Value::Null => (1, None),
        Value::Time(stamp) => (2, Some(*stamp)),
        _ => (0, None),
    };
    rank(one) < rank(other)
}

/// What is on one side: the row of each element that is not excluded, in order. What comes in order, as most does, costs nothing to be put so.
struct Elements<'a> {
    rows: Vec<(Key2<'a>, Row<'a>)>,
    born: Option<usize>,
}

impl Judge for SameIds {
    fn facets(&self) -> Vec<&str> {
        self.sides.iter().map(|side| &*side.facet).collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let now = view.taken();
        let [left, right] = &self.sides;
        let left = left.elements(view.table(&left.facet)?, now, sieve)?;
        let right = right.elements(view.table(&right.facet)?, now, sieve)?;
        for (kind, side) in self.watched.iter().enumerate() {
            let (own, other) = if *side == 0 {
                (&left, &right)
            } else {
                (&right, &left)
            };
            self.sides[*side].compare(own, other, now, (kind, sieve));
        }
        let sizes = [&left, &right].map(|side| side.per_subject());
        let facts = |subject: &str| {
            let count = |side: usize| Fact::Int(sizes[side].get(subject).copied().unwrap_or(0));
            facts([("left_count", count(0)), ("right_count", count(1))])
        };
        sieve.tell(|subject, all| all.extend(facts(subject)));
        Ok(())
    }
}

impl Side {
    fn elements<'a>(
        &'a self,
        table: &'a Table,
        now: Stamp,
        sieve: &mut Sieve<'a>,
    ) -> Judged<Elements<'a>> {
        let whose = Whose::of(table, &self.facet);
        let sift = self.filter.bind(table, &self.facet)?;
        let mut rows = Vec::with_capacity(table.len());
        for row in table.rows() {
            let key = (whose.subject(row), whose.id(row));
            match sift.takes(row, now) {
                Ok(true) => rows.push((key, row)),
                Ok(false) => {}
                Err(trouble) => sieve.trouble(key.0, trouble),
            }
        }
        rows.sort_by(|(one, _), (other, _)| order(*one, *other));
        let born = table.index("born");
        rows.dedup_by(|later, one| {
            let twice = later.0 == one.0;
            if twice && born.is_some_and(|born| older(later.1.at(born), one.1.at(born))) {
                *one = *later;
            }
            twice
        });
        Ok(Elements { rows, born })
    }

    fn compare<'a>(
        &self,
        own: &Elements<'a>,
        other: &Elements<'a>,
        now: Stamp,
        (kind, sieve): (usize, &mut Sieve<'a>),
    ) {
        let mut others = other.rows.iter().map(|(key, _)| *key).peekable();
        for (key, row) in &own.rows {
            let (subject, id) = *key;
            sieve.looked(subject, kind);
            while others
                .next_if(|other| order(*other, *key).is_lt())
                .is_some()
            {}
            if others
                .next_if(|other| order(*other, *key).is_eq())
                .is_some()
            {
                continue;
            }
            match self.age(own.born.map(|born| row.at(born)), now) {
                Ok(age) if age.is_none_or(|age| age > self.grace) => {
                    let age = age.filter(|_| self.grace > 0);
                    sieve.bad(subject, kind, id, age.unwrap_or(0), || {
                        facts([("id", Fact::id(id)), ("age", age.map_or(Fact::None, secs))])
                    });
                }
                Ok(_) => {}
                Err(trouble) => sieve.trouble(subject, trouble),
            }
        }
    }

    /// How old an element is; one without a birth has no grace.
    fn age(
        &self,
        born: Option<&Value>,
        now: Stamp,
    ) -> std::result::Result<Option<i64>, Trouble<'static>> {
        if self.grace == 0 {
            return Ok(None);
        }
        match cell::past(born.unwrap_or(&Value::Null), "born", now) {
            Ok(born) => Ok(Some(now.since(born))),
            Err(Trouble::Missing(_)) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

impl<'a> Elements<'a> {
    fn per_subject(&self) -> HashMap<&'a str, i64> {
        let mut counts = HashMap::new();
        for ((subject, _), _) in &self.rows {
            *counts.entry(*subject).or_default() += 1;
        }
        counts
    }
}
