//! `at_most` and `exactly`: a subject has so many, and no more.

use std::collections::BTreeMap;

use super::Shape;
use super::cell::{Joined, Trouble, Whose, facts, index, int, same};
use super::common::{Missing, kinds};
use super::facet::{Judged, Lookup, name};
use super::filter::{FILTER, Filter};
use super::judge::Judge;
use super::sieve::Sieve;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Body, Node, Result};
use crate::rules::{FacetRule, Facets};
use crate::{Check, Fact, Kind, Memory, Stamp, Table, View};

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

/// What a facet without subjects is counted for.
const ALL: &str = "all";

struct Bounded {
    count: Count,
    limit: Bound,
    missing: Missing,
    kinds: Vec<String>,
}

/// How many a subject has: its rows, or the number in a column.
pub(super) struct Count {
    pub(super) facet: String,
    column: Option<String>,
    filter: Filter,
}

/// What was counted of one subject.
#[derive(Default)]
pub(super) struct Counted<'a> {
    pub(super) count: i64,
    pub(super) ids: Vec<&'a str>,
    pub(super) trouble: Option<Trouble<'a>>,
}

pub(super) enum Bound {
    Number(i64),
    Of(Lookup),
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
        limit: Bound::read(limit, facets)?,
        missing: Missing::read(fields)?,
        kinds: kinds(fields, usual)?,
    }))
}

impl Bound {
    /// A number, or `facet.column`.
    pub(super) fn read(node: &Node, facets: &Facets) -> Result<Self> {
        match &node.body {
            Body::Int(number) if *number < 0 => {
                Err(node.error("nothing has fewer than none: a limit is 0 or more"))
            }
            Body::Int(number) => Ok(Self::Number(*number)),
            Body::Text(text) if text.trim().parse::<i64>().is_ok() => {
                Err(node.wrong("a whole number"))
            }
            Body::Text(_) => Lookup::read(node, facets, Some(Kind::Int)).map(Self::Of),
            _ => Err(node.wrong("a whole number, or \"facet.column\" in quotes,")),
        }
    }

    pub(super) fn facet(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Of(lookup) => Some(&lookup.facet),
        }
    }

    pub(super) fn bind<'a>(&'a self, view: &View<'a>) -> Judged<Bounds<'a>> {
        Ok(match self {
            Self::Number(number) => Bounds::Number(*number),
            Self::Of(lookup) => Bounds::Of(lookup.bind(view)?, &lookup.column),
        })
    }
}

/// A facet whose rows are counted. One that is a count itself has one row, whatever it says.
fn rows<'f>(node: &Node, facet: &'f FacetRule) -> Result<&'f FacetRule> {
    match facet.is_count() {
        false => Ok(facet),
        true => {
            let name = name(facet);
            Err(node.error(format!("facet `{name}` has one row with a number in it, and rows would be counted: write \"{name}.count\"")))
        }
    }
}

/// A bound whose column was found.
pub(super) enum Bounds<'a> {
    Number(i64),
    Of(Joined<'a>, &'a str),
}

impl<'a> Bounds<'a> {
    pub(super) fn of(&mut self, subject: &'a str) -> std::result::Result<i64, Trouble<'a>> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Of(joined, name) => int(joined.cell(subject)?, name),
        }
    }

    fn subjects(&self) -> Vec<&'a str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Of(joined, _) => joined.subjects().collect(),
        }
    }
}

impl Count {
    pub(super) fn read(
        node: &Node,
        (all, none): (Option<&Node>, Option<&Node>),
        facets: &Facets,
    ) -> Result<Self> {
        let text = node.text()?;
        let (facet, column) = match facets.get(text) {
            Some(facet) => (rows(node, facet)?, None),
            None if text.contains('.') => {
                let lookup = Lookup::read(node, facets, Some(Kind::Int))?;
                (facets.named(node, &lookup.facet)?, Some(lookup.column))
            }
            None => (rows(node, facets.need(node)?)?, None),
        };
        Ok(Self {
            filter: Filter::of(all, none, facet)?,
            facet: name(facet),
            column,
        })
    }

    /// By subject. Of a facet that has no subjects, all rows are of one.
    pub(super) fn by_subject<'a>(
        &'a self,
        table: &'a Table,
        now: Stamp,
    ) -> Judged<BTreeMap<&'a str, Counted<'a>>> {
        let whose = Whose::of(table, &self.facet);
        let alone = table.index("subject").is_none() && self.column.is_none();
        let column = self
            .column
            .as_ref()
            .map(|column| index(table, &self.facet, column));
        let column = column.transpose()?;
        let sift = self.filter.bind(table, &self.facet)?;
        let name = self.column.as_deref().unwrap_or_default();
        let mut all = BTreeMap::new();
        // Rows of one subject mostly stand together: they are counted before anything is looked up.
        let mut run = (ALL, Counted::default());
        for row in table.rows() {
            let subject = if alone { ALL } else { whose.subject(row) };
            if !same(subject, run.0) {
                std::mem::take(&mut run.1).into(&mut all, run.0);
                run.0 = subject;
            }
            let number = || column.map_or(Ok(1), |column| int(row.at(column), name));
            match sift.takes(row, now) {
                Ok(false) => {}
                Ok(true) => run.1.add(number(), whose.id(row)),
                Err(trouble) => run.1.add(Err(trouble), ""),
            }
        }
        run.1.into(&mut all, run.0);
        Ok(all)
    }
}

impl<'a> Counted<'a> {
    fn add(&mut self, number: std::result::Result<i64, Trouble<'a>>, id: &'a str) {
        match number {
            Ok(number) => {
                self.count = self.count.saturating_add(number);
                self.ids.push(id);
            }
            Err(trouble) => {
                self.trouble = Some(self.trouble.map_or(trouble, |one| one.min(trouble)))
            }
        }
    }

    fn into(mut self, all: &mut BTreeMap<&'a str, Self>, subject: &'a str) {
        if self.ids.is_empty() && self.trouble.is_none() {
            return;
        }
        let known = all.entry(subject).or_default();
        known.count = known.count.saturating_add(self.count);
        known.ids.append(&mut self.ids);
        known.trouble = match (known.trouble, self.trouble) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
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
        if matches!(bounds, Bounds::Number(_)) && table.index("subject").is_none() {
            counted.entry(ALL).or_default();
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
        bounds: &mut Bounds<'a>,
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
