//! `within_then`: what has been there for so long has something that comes later.

use super::cell::{AHEAD, Trouble, Whose, facts, index, micros, secs, time};
use super::common::{Missing, kinds};
use super::condition::{Bound, Condition, FILTER, Filter, Sift, Truth};
use super::facet::{Judged, Limit, Limits, column, facet, name, need_column};
use super::sieve::Sieve;
use super::{Shape, cell};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Body, Result};
use crate::{Check, Fact, Kind, Row, Stamp, Tally, View};

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
    of: String,
    stamp: String,
    within: Limit,
    ahead: i64,
    then: Vec<Condition>,
    filter: Filter,
    missing: Missing,
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
        filter: Filter::read(fields, of)?,
        missing: Missing::read(fields)?,
        kinds: kinds(fields, &["missing"])?,
        of: name(of),
        then,
    }))
}

struct Looking<'a> {
    rule: &'a WithinThen,
    now: Stamp,
    whose: Whose<'a>,
    stamp: usize,
    limits: Limits<'a>,
    sift: Sift<'a>,
    then: Vec<Bound<'a>>,
}

impl Check for WithinThen {
    fn needs(&self) -> Vec<&str> {
        std::iter::once(&*self.of)
            .chain(self.within.needs())
            .collect()
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

impl WithinThen {
    fn judge(&self, view: &View<'_>, tally: &mut Tally<'_>) -> Judged {
        let table = view.table(&self.of)?;
        let then = self.then.iter().map(|one| one.bind(table, &self.of));
        let mut looking = Looking {
            rule: self,
            now: view.taken(),
            whose: Whose::of(table, &self.of),
            stamp: index(table, &self.of, &self.stamp)?,
            limits: self.within.bind(table, &self.of, view)?,
            sift: self.filter.bind(table, &self.of)?,
            then: then.collect::<Judged<_>>()?,
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
        &mut self,
        subject: &'a str,
        row: Row<'a>,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        if !self.sift.takes(row, self.now)? {
            return Ok(());
        }
        let age = self.now.since(time(row.at(self.stamp), &self.rule.stamp)?);
        if age < -self.rule.ahead {
            return Err(Trouble::Future(&self.rule.stamp));
        }
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
            let id = self.whose.id(row);
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
