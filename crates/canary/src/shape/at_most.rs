//! `at_most` and `exactly`: a subject has so many, and no more.

use super::Shape;
use super::amount::{Amount, Amounts};
use super::cell::{Trouble, facts};
use super::common::{Missing, kinds};
use super::count::{ALL, Count, Counted};
use super::facet::Judged;
use super::filter::FILTER;
use super::judge::Judge;
use super::sieve::Sieve;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Check, Fact, Memory, View};

pub(super) const AT_MOST: Shape = Shape {
    name: "at_most",
    keys: &[KEYS, FILTER],
    read: |fields, facets| read(fields, facets, &["above"]),
};

pub(super) const EXACTLY: Shape = Shape {
    name: "exactly",
    keys: &[KEYS, FILTER],
    read: |fields, facets| read(fields, facets, &["above", "below"]),
};

const KEYS: &[Key] = &[key("count", Form::Text), key("limit", Form::Scalar)];

struct Bounded {
    count: Count,
    limit: Amount,
    missing: Missing,
    kinds: Vec<String>,
}

fn read(fields: Fields<'_>, facets: &Facets, usual: &[&str]) -> Result<Box<dyn Check>> {
    let filter = (fields.get("where"), fields.get("exempt"));
    let (count, limit) = (fields.need("count")?, fields.need("limit")?);
    if let (Ok(one), Ok(other)) = (count.text(), limit.text())
        && one == other
    {
        let message = "`count` and `limit` are the same number: compare two";
        return Err(limit.error(message));
    }
    Ok(Box::new(Bounded {
        count: Count::read(count, filter, facets)?,
        limit: Amount::read(limit, facets)?,
        missing: Missing::read(fields)?,
        kinds: kinds(fields, usual)?,
    }))
}

impl Judge for Bounded {
    fn facets(&self) -> Vec<&str> {
        std::iter::once(&*self.count.facet)
            .chain(self.limit.facet())
            .collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let table = view.table(&self.count.facet)?;
        let mut counted = self.count.by_subject(table, view.taken())?;
        let mut bounds = self.limit.bind(view)?;
        for subject in bounds.subjects() {
            counted.entry(subject).or_default();
        }
        if matches!(bounds, Amounts::Number(_)) {
            // A limit for everybody: who has other rows and none of these has too few.
            match table.index("subject") {
                None => drop(counted.entry(ALL).or_default()),
                Some(_) if self.kinds.len() > 1 => self.count.everybody(table, &mut counted),
                Some(_) => {}
            }
        }
        for (subject, counted) in &counted {
            if let Err(trouble) = self.subject(subject, counted, &mut bounds, sieve) {
                self.missing.met(sieve, subject, trouble);
            }
        }
        Ok(())
    }
}

impl Bounded {
    fn subject<'a>(
        &self,
        subject: &'a str,
        counted: &Counted<'a>,
        bounds: &mut Amounts<'a>,
        sieve: &mut Sieve<'a>,
    ) -> std::result::Result<(), Trouble<'a>> {
        let limit = bounds.of(subject)?;
        let wrong = [counted.count > limit, counted.count < limit];
        if let Some(trouble) = counted.trouble
            && !wrong[0]
        {
            return Err(trouble);
        }
        // Nobody who has nothing can have too much.
        if counted.count > 0 || self.kinds.len() > 1 {
            sieve.looked(subject, 0);
        } else {
            sieve.well(subject);
        }
        for (kind, wrong) in wrong.into_iter().enumerate().take(self.kinds.len()) {
            if kind > 0 {
                sieve.also(kind);
            }
            if wrong {
                say(sieve, subject, kind, (counted, limit));
            }
        }
        Ok(())
    }
}

fn say<'a>(
    sieve: &mut Sieve<'a>,
    subject: &'a str,
    kind: usize,
    (counted, limit): (&Counted<'a>, i64),
) {
    let mut ids = counted.ids.clone();
    ids.sort_unstable();
    let facts = || {
        facts([
            ("count", Fact::Int(counted.count)),
            ("limit", Fact::Int(limit)),
            (
                "by",
                Fact::Int(counted.count.abs_diff(limit).try_into().unwrap_or(i64::MAX)),
            ),
            ("ids", Fact::ids(ids.iter().copied())),
        ])
    };
    sieve.plain(subject, kind, facts);
}
