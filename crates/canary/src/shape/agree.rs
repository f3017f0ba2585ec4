//! `agree`: two readers of one thing say the same of it.

use std::collections::BTreeMap;

use super::Shape;
use super::alike::alike;
use super::cell::{Trouble, Whose, fact, facts, index, kind};
use super::common::{Missing, kinds};
use super::count::{Count, Counted};
use super::facet::{Judged, Lookup};
use super::judge::Judge;
use super::sieve::Sieve;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::{Check, Memory, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "agree",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("left", Form::Text),
    key("right", Form::Text),
    key("absent", Form::OneOf(&["zero"])),
];

struct Agree {
    sides: [Side; 2],
    zero: bool,
    missing: Missing,
    kinds: Vec<String>,
}

enum Side {
    /// How many rows there are of a subject.
    Rows(Count),
    /// What a column says of it.
    Column(Lookup),
}

type Said<'a> = BTreeMap<&'a str, std::result::Result<Value, Trouble<'a>>>;

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    if fields.text("left")? == fields.text("right")? && fields.get("left").is_some() {
        let message = "`left` and `right` are the same, which always agrees with itself: compare two readings";
        return Err(fields.need("right")?.error(message));
    }
    Ok(Box::new(Agree {
        sides: [
            side(fields.need("left")?, facets)?,
            side(fields.need("right")?, facets)?,
        ],
        zero: fields.one_of("absent", &["zero"])?.is_some(),
        missing: Missing::read(fields)?,
        kinds: kinds(fields, &["differ"])?,
    }))
}

fn side(node: &Node, facets: &Facets) -> Result<Side> {
    let text = node.text()?;
    if facets.get(text).is_none() && text.contains('.') {
        return Lookup::read(node, facets, None).map(Side::Column);
    }
    Count::read(node, (None, None), facets).map(Side::Rows)
}

impl Side {
    fn facet(&self) -> &str {
        match self {
            Self::Rows(count) => &count.facet,
            Self::Column(lookup) => &lookup.facet,
        }
    }

    /// The column, or the facet whose rows are counted.
    fn word(&self) -> &str {
        match self {
            Self::Rows(count) => &count.facet,
            Self::Column(lookup) => &lookup.column,
        }
    }

    fn said<'a>(&'a self, view: &View<'a>) -> Judged<Said<'a>> {
        let table = view.table(self.facet())?;
        match self {
            Self::Rows(count) => {
                let counted = count.by_subject(table, view.taken())?;
                let number = |counted: Counted<'a>| {
                    counted.trouble.map_or(Ok(Value::Int(counted.count)), Err)
                };
                Ok(counted
                    .into_iter()
                    .map(|(subject, one)| (subject, number(one)))
                    .collect())
            }
            Self::Column(lookup) => {
                let column = index(table, &lookup.facet, &lookup.column)?;
                let kind = kind(table, column);
                let whose = Whose::of(table, &lookup.facet);
                let mut said = Said::new();
                for row in table.rows() {
                    let value = match row.at(column) {
                        Value::Null => Err(Trouble::Missing(&lookup.column)),
                        value if value.fits(kind) => Ok(value.clone()),
                        _ => Err(Trouble::Malformed(&lookup.column)),
                    };
                    let known = said
                        .entry(whose.subject(row))
                        .or_insert_with(|| value.clone());
                    if *known != value {
                        *known = Err(Trouble::Contradicted(&lookup.column));
                    }
                }
                Ok(said)
            }
        }
    }

    /// What it says of a subject that it has no row for.
    fn silent(&self, zero: bool) -> std::result::Result<Value, Trouble<'_>> {
        match self {
            Self::Rows(_) => Ok(Value::Int(0)),
            Self::Column(_) if zero => Ok(Value::Int(0)),
            Self::Column(lookup) => Err(Trouble::Missing(&lookup.column)),
        }
    }
}

impl Judge for Agree {
    fn facets(&self) -> Vec<&str> {
        self.sides.iter().map(Side::facet).collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let [left, right] = &self.sides;
        let (mut ours, mut theirs) = (left.said(view)?, right.said(view)?);
        let subjects: std::collections::BTreeSet<_> =
            ours.keys().chain(theirs.keys()).copied().collect();
        for subject in subjects {
            let one = ours
                .remove(subject)
                .unwrap_or_else(|| left.silent(self.zero));
            let other = theirs
                .remove(subject)
                .unwrap_or_else(|| right.silent(self.zero));
            let compared = match (&one, &other) {
                (Ok(one), Ok(other)) => alike(one, other)
                    .ok_or_else(|| Trouble::Malformed(right.word()))
                    .map(|alike| (alike, one, other)),
                (Err(trouble), _) | (_, Err(trouble)) => Err(*trouble),
            };
            match compared {
                Ok((alike, one, other)) => {
                    sieve.looked(subject, 0);
                    if !alike {
                        let facts = || facts([("left", fact(one)), ("right", fact(other))]);
                        sieve.plain(subject, 0, facts);
                    }
                }
                Err(trouble) => self.missing.met(sieve, subject, trouble),
            }
        }
        Ok(())
    }
}
