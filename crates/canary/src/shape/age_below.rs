//! `age_below`: no row is older than it may be.

use super::cell::{AHEAD, LEASE, Trouble, index, micros, near, secs};
use super::common::kinds;
use super::facet::{Judged, Limit, Limits, column, facet};
use super::filter::FILTER;
use super::judge::Judge;
use super::rows::{Element, Rows};
use super::sieve::Sieve;
use super::{Shape, cell};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Check, Fact, Facts, Kind, Memory, Row, Stamp, View};

pub(super) const SHAPE: Shape = Shape {
    name: "age_below",
    keys: &[KEYS, FILTER],
    read,
};

const KEYS: &[Key] = &[
    key("of", Form::Text),
    key("stamp", Form::Text),
    key("limit", Form::Limit),
    key("ahead", Form::Duration),
    key("owner", Form::Table(OWNER)),
];

const OWNER: &[Key] = &[
    key("until", Form::Text),
    key("grace", Form::Duration),
    key("ahead", Form::Duration),
];

const OVERDUE: usize = 0;
const LEFT: usize = 1;

struct AgeBelow {
    rows: Rows,
    stamp: String,
    limit: Limit,
    ahead: i64,
    owner: Option<Owner>,
    kinds: Vec<String>,
}

/// Somebody else who answers for the row until then, and for a bounded time after.
struct Owner {
    until: String,
    grace: i64,
    ahead: i64,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let usual = if of.has("stamp") { "stamp" } else { "born" };
    let stamp = column(fields, "stamp", usual, of, Kind::Time)?;
    let owner =
        fields.get("owner").map(|node| {
            let fields = Fields::new(node, "`owner`", &[OWNER])?;
            fields.need("until")?;
            let grace = fields.duration("grace")?;
            Ok(Owner {
                until: column(fields, "until", "", of, Kind::Time)?,
                ahead: fields.duration("ahead")?.map_or(LEASE, micros),
                grace: micros(grace.ok_or_else(|| {
                    node.error("`grace` is missing: no owner is trusted for ever")
                })?),
            })
        });
    let owner = owner.transpose()?;
    let both = ["overdue", "owner_overdue"];
    Ok(Box::new(AgeBelow {
        limit: Limit::read(fields.need("limit")?, of, facets)?,
        ahead: fields.duration("ahead")?.map_or(AHEAD, micros),
        kinds: kinds(fields, if owner.is_some() { &both } else { &both[..1] })?,
        rows: Rows::read(fields, of)?,
        stamp,
        owner,
    }))
}

struct Bound<'a> {
    rule: &'a AgeBelow,
    now: Stamp,
    stamp: usize,
    until: Option<usize>,
    limits: Limits<'a>,
}

impl Judge for AgeBelow {
    fn facets(&self) -> Vec<&str> {
        std::iter::once(&*self.rows.of)
            .chain(self.limit.needs())
            .collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let of = &self.rows.of;
        let table = view.table(of)?;
        let until = self
            .owner
            .as_ref()
            .map(|owner| index(table, of, &owner.until));
        let mut bound = Bound {
            rule: self,
            now: view.taken(),
            stamp: index(table, of, &self.stamp)?,
            until: until.transpose()?,
            limits: self.limit.bind(table, of, view)?,
        };
        let look = |element, sieve: &mut Sieve<'a>| bound.row(element, sieve);
        self.rows.each(view, sieve, look)
    }
}

impl<'a> Bound<'a> {
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
        let overdue = self.overdue_owner(row);
        // While the owner answers for it, the row is not looked at.
        if let (Some(owner), Some(overdue)) = (&self.rule.owner, overdue)
            && overdue <= owner.grace
        {
            return Ok(());
        }
        let kind = if overdue.is_some() { LEFT } else { OVERDUE };
        sieve.looked(subject, kind);
        if age > limit {
            sieve.bad(subject, kind, element.id(), age - limit, || {
                self.facts(element, age, limit, overdue)
            });
        }
        Ok(())
    }

    /// For how long its owner has been due; none if it has no owner, or none that can be read or believed.
    fn overdue_owner(&self, row: Row<'_>) -> Option<i64> {
        let ahead = self.rule.owner.as_ref()?.ahead;
        let until = near(row.at(self.until?), "until", self.now, ahead).ok()?;
        Some(self.now.since(until))
    }

    fn facts(&self, element: Element<'_>, age: i64, limit: i64, overdue: Option<i64>) -> Facts {
        let row = element.row;
        let mut facts = cell::facts([
            ("id", Fact::id(element.id())),
            ("stamp", cell::fact(row.at(self.stamp))),
            ("age", secs(age)),
            ("limit", secs(limit)),
        ]);
        if let (Some(until), Some(owner)) = (self.until, &self.rule.owner) {
            facts.insert("owner_until".to_owned(), cell::fact(row.at(until)));
            if let Some(overdue) = overdue {
                facts.insert("owner_overdue".to_owned(), secs(overdue));
                facts.insert("owner_grace".to_owned(), secs(owner.grace));
            }
        }
        facts
    }
}
