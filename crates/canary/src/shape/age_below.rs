//! `age_below`: no row is older than it may be.

use super::cell::{AHEAD, Trouble, Whose, index, micros, secs, time};
use super::common::{Missing, kinds};
use super::condition::{FILTER, Filter, Sift};
use super::facet::{Judged, Limit, Limits, column, facet, name};
use super::sieve::Sieve;
use super::{Shape, cell};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Check, Fact, Facts, Kind, Row, Stamp, Tally, View};

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

const OWNER: &[Key] = &[key("until", Form::Text), key("grace", Form::Duration)];

const OVERDUE: usize = 0;
const LEFT: usize = 1;

struct AgeBelow {
    of: String,
    stamp: String,
    limit: Limit,
    ahead: Option<i64>,
    owner: Option<Owner>,
    filter: Filter,
    missing: Missing,
    kinds: Vec<String>,
}

/// Somebody else who answers for the row until then, and for a bounded time after.
struct Owner {
    until: String,
    grace: i64,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let usual = match of
        .ask()
        .columns
        .iter()
        .any(|column| column.name() == "stamp")
    {
        true => "stamp",
        false => "born",
    };
    let stamp = column(fields, "stamp", usual, of, Kind::Time)?;
    let owner =
        fields.get("owner").map(|node| {
            let fields = Fields::new(node, "`owner`", &[OWNER])?;
            fields.need("until")?;
            let grace = fields.duration("grace")?;
            Ok(Owner {
                until: column(fields, "until", "", of, Kind::Time)?,
                grace: micros(grace.ok_or_else(|| {
                    node.error("`grace` is missing: no owner is trusted for ever")
                })?),
            })
        });
    let owner = owner.transpose()?;
    let usual_ahead = (stamp == "born").then_some(AHEAD);
    let both = ["overdue", "owner_overdue"];
    Ok(Box::new(AgeBelow {
        limit: Limit::read(fields.need("limit")?, of, facets)?,
        ahead: fields.duration("ahead")?.map(micros).or(usual_ahead),
        kinds: kinds(fields, if owner.is_some() { &both } else { &both[..1] })?,
        filter: Filter::read(fields, of)?,
        missing: Missing::read(fields)?,
        of: name(of),
        stamp,
        owner,
    }))
}

struct Bound<'a> {
    rule: &'a AgeBelow,
    now: Stamp,
    whose: Whose<'a>,
    stamp: usize,
    until: Option<usize>,
    limits: Limits<'a>,
    sift: Sift<'a>,
}

impl Check for AgeBelow {
    fn needs(&self) -> Vec<&str> {
        std::iter::once(&*self.of)
            .chain(self.limit.needs())
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

impl AgeBelow {
    fn judge(&self, view: &View<'_>, tally: &mut Tally<'_>) -> Judged {
        let table = view.table(&self.of)?;
        let until = self
            .owner
            .as_ref()
            .map(|owner| index(table, &self.of, &owner.until));
        let mut bound = Bound {
            rule: self,
            now: view.taken(),
            whose: Whose::of(table, &self.of),
            stamp: index(table, &self.of, &self.stamp)?,
            until: until.transpose()?,
            limits: self.limit.bind(table, &self.of, view)?,
            sift: self.filter.bind(table, &self.of)?,
        };
        let mut sieve = Sieve::new(&self.kinds, tally.red);
        for row in table.rows() {
            let subject = bound.whose.subject(row);
            if let Err(trouble) = bound.row(subject, row, &mut sieve) {
                self.missing.met(&mut sieve, subject, trouble);
            }
        }
        sieve.pour(view, &self.needs(), tally);
        Ok(())
    }
}

impl<'a> Bound<'a> {
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
        if self.rule.ahead.is_some_and(|ahead| age < -ahead) {
            return Err(Trouble::Future(&self.rule.stamp));
        }
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
            sieve.bad(subject, kind, self.whose.id(row), age - limit, || {
                self.facts(row, age, limit, overdue)
            });
        }
        Ok(())
    }

    /// For how long its owner has been due; none if it has no owner, or none that can be read.
    fn overdue_owner(&self, row: Row<'_>) -> Option<i64> {
        let until = time(row.at(self.until?), "until").ok()?;
        Some(self.now.since(until))
    }

    fn facts(&self, row: Row<'_>, age: i64, limit: i64, overdue: Option<i64>) -> Facts {
        let mut facts = cell::facts([
            ("id", Fact::id(self.whose.id(row))),
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
