//! `row`: no row meets a condition that none should.

use super::Shape;
use super::cell::{Trouble, Whose, fact, facts};
use super::common::Missing;
use super::condition::{Bound, Condition, FILTER, Filter, Sift, Truth};
use super::facet::{Judged, facet, name};
use super::sieve::Sieve;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::rules::{Facets, is_name};
use crate::{Check, Fact, Facts, Row, Stamp, Tally, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "row",
    keys: &[KEYS, FILTER],
    read,
};

const KEYS: &[Key] = &[key("of", Form::Text), key("bad", Form::Bad)];

/// What an entry of `bad` has beside the keys of a condition.
pub(crate) const BAD: &[Key] = &[key("kind", Form::Text)];

struct Rows {
    of: String,
    bad: Vec<Condition>,
    kinds: Vec<String>,
    filter: Filter,
    missing: Missing,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let nodes = fields.need("bad")?;
    let mut kinds: Vec<String> = Vec::new();
    let mut bad = Vec::new();
    for node in nodes.several() {
        bad.push(Condition::read(node, BAD, of)?);
        kinds.push(kind(node, &kinds)?);
    }
    if bad.is_empty() {
        return Err(nodes.error("`bad` is empty: say what no row may be"));
    }
    if let Some(node) = fields.get("kinds") {
        return Err(node.error("the entries of `bad` name their kinds themselves"));
    }
    Ok(Box::new(Rows {
        filter: Filter::read(fields, of)?,
        missing: Missing::read(fields)?,
        of: name(of),
        bad,
        kinds,
    }))
}

fn kind(node: &Node, before: &[String]) -> Result<String> {
    let named = node
        .get("kind")
        .ok_or_else(|| node.error("`kind` is missing"))?;
    let kind = named.text()?;
    if !is_name(kind) || before.iter().any(|one| one == kind) {
        return Err(named.error(format!(
            "`{kind}` is no name for a kind, or that of another"
        )));
    }
    Ok(kind.to_owned())
}

impl Check for Rows {
    fn needs(&self) -> Vec<&str> {
        vec![&self.of]
    }

    fn kinds(&self) -> Vec<&str> {
        self.kinds.iter().map(String::as_str).collect()
    }

    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
        if let Err(cause) = self.judge(view, tally) {
            tally.unjudged(cause);
        }
    }
}

struct Looking<'a> {
    now: Stamp,
    whose: Whose<'a>,
    sift: Sift<'a>,
    bad: Vec<Bound<'a>>,
}

impl Rows {
    fn judge(&self, view: &View<'_>, tally: &mut Tally<'_>) -> Judged {
        let table = view.table(&self.of)?;
        let bad = self.bad.iter().map(|one| one.bind(table, &self.of));
        let looking = Looking {
            now: view.taken(),
            whose: Whose::of(table, &self.of),
            sift: self.filter.bind(table, &self.of)?,
            bad: bad.collect::<Judged<_>>()?,
        };
        let mut sieve = Sieve::new(&self.kinds, tally.red);
        for row in table.rows() {
            let subject = looking.whose.subject(row);
            if let Err(trouble) = looking.row(subject, row, &mut sieve) {
                self.missing.met(&mut sieve, subject, trouble);
            }
        }
        sieve.pour(view, &self.needs(), tally);
        Ok(())
    }
}

impl<'a> Looking<'a> {
    fn row(
        &self,
        subject: &'a str,
        row: Row<'a>,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        if !self.sift.takes(row, self.now)? {
            return Ok(());
        }
        let mut counted = false;
        let mut unknown = None;
        for (kind, condition) in self.bad.iter().enumerate() {
            let holds = condition.holds(row, self.now);
            if let Truth::Unknown(trouble) = holds {
                unknown = unknown.or(Some(trouble));
                continue;
            }
            match counted {
                false => sieve.looked(subject, kind),
                true => sieve.also(kind),
            }
            counted = true;
            if holds == Truth::Yes {
                sieve.bad(subject, kind, self.whose.id(row), 0, || {
                    self.facts(condition, row)
                });
                return Ok(());
            }
        }
        unknown.map_or(Ok(()), Err)
    }

    /// Text of tenants is no fact: it may be what must not be shown.
    fn facts(&self, condition: &Bound<'a>, row: Row<'a>) -> Facts {
        let mut found = facts([("id", Fact::id(self.whose.id(row)))]);
        if let Some(pattern) = condition.secret(row) {
            found.insert("pattern".to_owned(), Fact::id(pattern));
        }
        for (column, cell) in condition.cells(row) {
            if !matches!(cell, Value::Text(_)) {
                found.insert(column.to_owned(), fact(cell));
            }
        }
        found
    }
}
