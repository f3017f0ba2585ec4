//! `row`: no row meets a condition that none should.

use super::Shape;
use super::cell::{Trouble, fact, facts};
use super::condition::{Bound, Condition, Truth};
use super::facet::{Judged, facet};
use super::filter::FILTER;
use super::judge::Judge;
use super::rows::{Element, Rows};
use super::sieve::Sieve;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::rules::{Facets, is_name};
use crate::{Check, Fact, Facts, Memory, Stamp, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "row",
    keys: &[KEYS, FILTER],
    read,
};

const KEYS: &[Key] = &[key("of", Form::Text), key("bad", Form::Bad)];

/// What an entry of `bad` has beside the keys of a condition.
pub(crate) const BAD: &[Key] = &[key("kind", Form::Text)];

struct Bad {
    rows: Rows,
    conditions: Vec<Condition>,
    kinds: Vec<String>,
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
    Ok(Box::new(Bad {
        rows: Rows::read(fields, of)?,
        conditions: bad,
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

impl Judge for Bad {
    fn facets(&self) -> Vec<&str> {
        vec![&self.rows.of]
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let table = view.table(&self.rows.of)?;
        let bound = self.conditions.iter();
        let bound = bound.map(|one| one.bind(table, &self.rows.of));
        let looking = Looking {
            now: view.taken(),
            bad: bound.collect::<Judged<_>>()?,
        };
        let look = |element, sieve: &mut Sieve<'a>| looking.row(element, sieve);
        self.rows.each(view, sieve, look)
    }
}

struct Looking<'a> {
    now: Stamp,
    bad: Vec<Bound<'a>>,
}

impl<'a> Looking<'a> {
    fn row(
        &self,
        element: Element<'a>,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let subject = element.subject;
        let mut counted = false;
        let mut unknown = None;
        for (kind, condition) in self.bad.iter().enumerate() {
            let holds = condition.holds(element.row, self.now);
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
                sieve.bad(subject, kind, element.id(), 0, || said(condition, element));
                return Ok(());
            }
        }
        unknown.map_or(Ok(()), Err)
    }
}

/// Text of tenants is no fact: it may be what must not be shown.
fn said(condition: &Bound<'_>, element: Element<'_>) -> Facts {
    let mut found = facts([("id", Fact::id(element.id()))]);
    if let Some(pattern) = condition.secret(element.row) {
        found.insert("pattern".to_owned(), Fact::id(pattern));
    }
    for (column, cell) in condition.cells(element.row) {
        if !matches!(cell, Value::Text(_)) {
            found.insert(column.to_owned(), fact(cell));
        }
    }
    found
}
