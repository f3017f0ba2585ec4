//! How shapes name facets and columns, and what is refused at load time.

use std::time::Duration;

use super::cell::{self, Joined, Trouble, micros};
use crate::nearest::hint;
use crate::rules::fields::{self, Fields, Form, Key, key};
use crate::rules::node::{Body, Node, Result};
use crate::rules::{FacetRule, Facets};
use crate::{Cause, Column, Kind, Row, Table, View};

pub(super) type Judged<T = ()> = std::result::Result<T, Cause>;

/// A column that the facet's answer has, and of that kind.
pub(super) fn need_column(
    node: &Node,
    facet: &FacetRule,
    name: &str,
    kind: Option<Kind>,
) -> Result<String> {
    let columns = &facet.ask().columns;
    let Some(column) = columns.iter().find(|column| column.name() == name) else {
        let hint = hint(name, columns.iter().map(Column::name));
        let message = format!(
            "facet `{}` has no column `{name}`, and `columns` asks for none{hint}",
            facet.ask().facet
        );
        return Err(node.error(message));
    };
    match kind {
        Some(kind) if column.kind() != kind && column.kind() != Kind::Any => {
            let message = format!(
                "column `{name}` of facet `{}` is {}, and {} is needed",
                facet.ask().facet,
                word(column.kind()),
                word(kind)
            );
            Err(node.error(message))
        }
        _ => Ok(name.to_owned()),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int => "int",
        Kind::Time => "time",
        Kind::Bool => "bool",
        Kind::Any => "any",
    }
}

/// The name of the facet at a key.
pub(super) fn facet<'f>(
    fields: Fields<'_>,
    key: &str,
    facets: &'f Facets,
) -> Result<&'f FacetRule> {
    facets.need(fields.need(key)?)
}

pub(super) fn name(facet: &FacetRule) -> String {
    facet.ask().facet.clone()
}

/// The column that a key names, or the usual one.
pub(super) fn column(
    fields: Fields<'_>,
    key: &str,
    usual: &str,
    facet: &FacetRule,
    kind: Kind,
) -> Result<String> {
    match fields.get(key) {
        Some(node) => need_column(node, facet, node.text()?, Some(kind)),
        None => need_column(fields.node, facet, usual, Some(kind)),
    }
}

/// `facet.column`: a value that is looked up by subject.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) facet: String,
    pub(super) column: String,
}

impl Lookup {
    pub(super) fn read(node: &Node, facets: &Facets, kind: Option<Kind>) -> Result<Self> {
        let text = node.text()?;
        let parts = text.rsplit_once('.');
        let (facet, column) = parts.ok_or_else(|| {
            node.error(format!(
                "`{text}` should be a facet and a column: `facet.column`"
            ))
        })?;
        let rule = facets.named(node, facet)?;
        Ok(Self {
            column: need_column(node, rule, column, kind)?,
            facet: facet.to_owned(),
        })
    }

    pub(super) fn bind<'a>(&'a self, view: &View<'a>) -> Judged<Joined<'a>> {
        Joined::of(view.table(&self.facet)?, &self.facet, &self.column)
    }
}

/// A length of time, or a number: written down, or in a column of the row or of another facet, with something added.
pub(super) struct Limit {
    plus: i64,
    column: Option<Place>,
}

enum Place {
    Own(String),
    Other(Lookup),
}

pub(crate) const LIMIT: &[Key] = &[key("column", Form::Text), key("plus", Form::Duration)];

/// A limit whose columns were found.
pub(super) struct Limits<'a> {
    plus: i64,
    from: From<'a>,
}

enum From<'a> {
    Nowhere,
    Own(usize, &'a str),
    Other(Joined<'a>, &'a str),
}

impl Limit {
    /// A length of time; columns hold seconds.
    pub(super) fn read(node: &Node, own: &FacetRule, facets: &Facets) -> Result<Self> {
        let Body::Table(_) = &node.body else {
            let plus = micros(fields::duration(node)?);
            return Ok(Self { plus, column: None });
        };
        let fields = Fields::new(node, "a limit", &[LIMIT])?;
        let column = fields.need("column")?;
        let plus = fields.duration("plus")?.unwrap_or(Duration::ZERO);
        let place = match column.text()?.contains('.') {
            true => Place::Other(Lookup::read(column, facets, Some(Kind::Int))?),
            false => Place::Own(need_column(column, own, column.text()?, Some(Kind::Int))?),
        };
        Ok(Self {
            plus: micros(plus),
            column: Some(place),
        })
    }

    /// The facet that has to be there beside the one of the rows.
    pub(super) fn needs(&self) -> Option<&str> {
        match &self.column {
            Some(Place::Other(lookup)) => Some(&lookup.facet),
            _ => None,
        }
    }

    pub(super) fn bind<'a>(
        &'a self,
        table: &Table,
        facet: &str,
        view: &View<'a>,
    ) -> Judged<Limits<'a>> {
        let from = match &self.column {
            None => From::Nowhere,
            Some(Place::Own(column)) => From::Own(cell::index(table, facet, column)?, column),
            Some(Place::Other(lookup)) => From::Other(lookup.bind(view)?, &lookup.column),
        };
        Ok(Limits {
            plus: self.plus,
            from,
        })
    }
}

impl<'a> Limits<'a> {
    /// In microseconds.
    pub(super) fn of(
        &mut self,
        subject: &'a str,
        row: Row<'a>,
    ) -> std::result::Result<i64, Trouble<'a>> {
        let seconds = match &mut self.from {
            From::Nowhere => return Ok(self.plus),
            From::Own(index, name) => cell::int(row.at(*index), name)?,
            From::Other(joined, name) => cell::int(joined.cell(subject)?, name)?,
        };
        Ok(seconds.saturating_mul(1_000_000).saturating_add(self.plus))
    }
}
