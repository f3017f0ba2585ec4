//! `within_then`: what has been there for so long has something that comes later.

use super::cell::{AHEAD, Trouble, facts, index, micros, near, secs};
use super::common::kinds;
use super::condition::{Bound, Condition, Truth};
use super::facet::{Judged, Limit, Limits, column, facet, need_column};
use super::filter::FILTER;
use super::judge::Judge;
use super::rows::{Element, Rows};
use super::sieve::Sieve;
use super::{Shape, cell};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Body, Result};
use crate::{Check, Fact, Kind, Memory, Stamp, View};

pub(super) const SHAPE: Shape = Shape {
    name: "within_then",
    keys: &[KEYS, FILTER],
    read,
};

const KEYS: &[Key] = &[
    key("of", Form::Text),
    key("stamp", Form::Text),
    key("within", Form::Limit),
    key("ahead", Form::Duration),
    key("then", Form::Then),
];

struct WithinThen {
    rows: Rows,
    stamp: String,
    within: Limit,
    ahead: i64,
    then: Vec<Condition>,
    kinds: Vec<String>,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let then = fields.need("then")?;
    let then = match &then.body {
        Body::Text(column) => vec![Condition::not_null(&need_column(then, of, column, None)?)],
        _ => Condition::several(Some(then), of)?,
    };
    Ok(Box::new(WithinThen {
        stamp: column(fields, "stamp", "born", of, Kind::Time)?,
        within: Limit::read(fields.need("within")?, of, facets)?,
        ahead: fields.duration("ahead")?.map_or(AHEAD, micros),
        rows: Rows::read(fields, of)?,
        kinds: kinds(fields, &["missing"])?,
        then,
    }))
}

struct Looking<'a> {
    rule: &'a WithinThen,
    now: Stamp,
    stamp: usize,
    limits: Limits<'a>,
    then: Vec<Bound<'a>>,
}

impl Judge for WithinThen {
    fn facets(&self) -> Vec<&str> {
        std::iter::once(&*self.rows.of)
            .chain(self.within.needs())
            .collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let of = &self.rows.of;
        let table = view.table(of)?;
        let then = self.then.iter().map(|one| one.bind(table, of));
        let mut looking = Looking {
            rule: self,
            now: view.taken(),
            stamp: index(table, of, &self.stamp)?,
            limits: self.within.bind(table, of, view)?,
            then: then.collect::<Judged<_>>()?,
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
        let Element { subject, row, .. } = element;
        let stamp = row.at(self.stamp);
        let stamp = near(stamp, &self.rule.stamp, self.now, self.rule.ahead)?;
        let age = self.now.since(stamp);
        let limit = self.limits.of(subject, row)?;
        // What is younger could not have been found wanting.
        if age <= limit {
            return Ok(());
        }
        let mut good = true;
        for condition in &self.then {
            match condition.holds(row, self.now) {
                Truth::Yes => {}
                Truth::No | Truth::Unknown(Trouble::Missing(_)) => good = false,
                Truth::Unknown(trouble) => return Err(trouble),
            }
        }
        sieve.looked(subject, 0);
        if !good {
            let id = element.id();
            sieve.bad(subject, 0, id, age - limit, || {
                facts([
                    ("id", Fact::id(id)),
                    ("stamp", cell::fact(row.at(self.stamp))),
                    ("age", secs(age)),
                    ("within", secs(limit)),
                ])
            });
        }
        Ok(())
    }
}
