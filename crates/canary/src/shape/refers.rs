//! `refers`: what is referred to is there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Shape;
use super::cell::{Trouble, Whose, facts, index, same};
use super::common::{Missing, kinds};
use super::condition::Condition;
use super::facet::{Judged, name, need_column};
use super::filter::Filter;
use super::judge::Judge;
use super::sieve::Sieve;
use crate::rules::fields::{self, Fields, Form, Key, SEVERITIES, key};
use crate::rules::node::{Node, Result};
use crate::rules::{FacetRule, Facets};
use crate::{Cause, CauseKind, Check, Fact, Kind, Memory, Severity, Stamp, Table, Value, View};

pub(super) const SHAPE: Shape = Shape {
    name: "refers",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("refs", Form::Texts),
    key("column", Form::Text),
    key("table", Form::Text),
    key("to", Form::Texts),
    key("key", Form::Text),
    key("exempt", Form::Conditions),
    key("severities", Form::Words(SEVERITIES)),
    key("otherwise", Form::OneOf(SEVERITIES)),
];

struct Refers {
    refs: Vec<Refs>,
    to: Vec<String>,
    key: String,
    severities: BTreeMap<String, Severity>,
    otherwise: Option<Severity>,
    missing: Missing,
    kinds: Vec<String>,
}

struct Refs {
    facet: String,
    /// The column that refers, and the one that names the table that the row is of.
    column: String,
    table: Option<String>,
    filter: Filter,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let named = |key| -> Result<Vec<&FacetRule>> {
        let nodes = fields.need(key)?;
        nodes
            .several()
            .iter()
            .map(|node| facets.need(node))
            .collect()
    };
    let to = named("to")?;
    let column = fields.text("key")?.unwrap_or("id");
    for facet in &to {
        need_column(
            fields.get("key").unwrap_or(fields.node),
            facet,
            column,
            Some(Kind::Text),
        )?;
    }
    let refs = named("refs")?.into_iter().map(|facet| {
        let refs = refs(fields, facet)?;
        let itself = |to: &&FacetRule| to.ask().facet == refs.facet && column == refs.column;
        if to.iter().any(itself) {
            let message = format!("`{}` of `{}` always refers to itself", column, refs.facet);
            return Err(fields.error(message));
        }
        Ok(refs)
    });
    let refs = refs.collect::<Result<_>>()?;
    let severities = fields
        .get("severities")
        .map(Node::entries)
        .transpose()?
        .unwrap_or_default();
    let severity =
        |entry: &crate::rules::node::Entry| Ok((entry.key.clone(), fields::severity(&entry.node)?));
    Ok(Box::new(Refers {
        refs,
        to: to.into_iter().map(name).collect(),
        key: column.to_owned(),
        severities: severities.iter().map(severity).collect::<Result<_>>()?,
        otherwise: fields.severity("otherwise")?,
        missing: Missing::read(fields)?,
        kinds: kinds(fields, &["dangling"])?,
    }))
}

/// Refuses what a second look could not see: it reads the rows of the subjects in question, and here those are names that are referred to.
pub(super) fn again(fields: Fields<'_>, facets: &Facets) -> Result {
    let column = fields.text("column")?.unwrap_or("subject");
    let lists = [("refs", column == "subject"), ("to", false)];
    for (key, fits) in lists {
        for node in fields.get(key).map(Node::several).unwrap_or_default() {
            if !fits && facets.need(node)?.has("subject") {
                let message = format!(
                    "a second look reads of facet `{}` only whose `subject` is in question, and would not find these rows again: leave `confirm` out, or take a facet without `subject`",
                    node.text()?
                );
                return Err(node.error(message));
            }
        }
    }
    Ok(())
}

fn refs(fields: Fields<'_>, facet: &FacetRule) -> Result<Refs> {
    let usual = if facet.has("subject") {
        "subject"
    } else {
        "id"
    };
    let column = fields.text("column")?.unwrap_or(usual);
    let table = fields.get("table").map(|node| Ok((node, node.text()?)));
    // A facet without that column is one table, by its own name.
    let table = table.transpose()?.filter(|(_, table)| facet.has(table));
    let exempt = exempt(fields, facet)?;
    Ok(Refs {
        column: need_column(
            fields.get("column").unwrap_or(fields.node),
            facet,
            column,
            Some(Kind::Text),
        )?,
        table: table.map(|(_, table)| table.to_owned()),
        filter: Filter::none(exempt),
        facet: name(facet),
    })
}

/// The conditions over columns that this facet has; each has to be over one of some facet.
fn exempt(fields: Fields<'_>, facet: &FacetRule) -> Result<Vec<Condition>> {
    let nodes = fields.get("exempt").map(Node::several).unwrap_or_default();
    let ours = nodes.iter().filter(|node| {
        let column = node.get("column").and_then(|column| column.text().ok());
        fields
            .get("refs")
            .is_some_and(|refs| refs.several().len() == 1)
            || column.is_none_or(|column| facet.has(column))
    });
    ours.map(|node| Condition::read(node, &[], facet)).collect()
}

/// What refers to one that is not there.
#[derive(Default)]
struct Ghost<'a> {
    refs: BTreeSet<(&'a str, &'a str)>,
    tables: BTreeMap<&'a str, i64>,
}

impl<'a> Ghost<'a> {
    fn add(&mut self, table: &'a str, id: &'a str) {
        if self.refs.insert((table, id)) {
            *self.tables.entry(table).or_default() += 1;
        }
    }
}

impl Judge for Refers {
    fn facets(&self) -> Vec<&str> {
        let refs = self.refs.iter().map(|refs| &*refs.facet);
        refs.chain(self.to.iter().map(String::as_str)).collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, _: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let known = self.known(view)?;
        let mut ghosts = BTreeMap::new();
        for refs in &self.refs {
            let table = view.table(&refs.facet)?;
            if known.is_empty() && !table.is_empty() {
                // With nobody known, everybody would be a ghost.
                let detail = format!("{} has no rows", self.to.join(", "));
                return Err(Cause::new(CauseKind::Empty, detail));
            }
            let told = (&mut ghosts, &mut *sieve);
            refs.sort(table, view.taken(), (&known, self.missing), told)?;
        }
        for (subject, ghost) in ghosts {
            self.say(subject, &ghost, sieve);
        }
        Ok(())
    }
}

impl Refers {
    fn known<'a>(&self, view: &View<'a>) -> Judged<HashSet<&'a str>> {
        let mut known = HashSet::new();
        for facet in &self.to {
            let table = view.table(facet)?;
            let key = index(table, facet, &self.key)?;
            known.extend(table.rows().filter_map(|row| row.at(key).as_text()));
        }
        Ok(known)
    }

    fn say<'a>(&self, subject: &'a str, ghost: &Ghost<'a>, sieve: &mut Sieve<'a>) {
        let total = ghost.tables.values().sum();
        let refs: Vec<_> = ghost
            .refs
            .iter()
            .map(|(table, id)| format!("{table}/{id}"))
            .collect();
        let facts = || {
            facts([
                ("count", Fact::Int(total)),
                ("tables", Fact::ids(ghost.tables.keys().copied())),
                ("refs", Fact::ids(refs.iter().map(String::as_str))),
            ])
        };
        let known = ghost
            .tables
            .keys()
            .filter_map(|table| self.severities.get(*table).copied());
        let worst = known.max().or(self.otherwise);
        for element in &refs {
            sieve.bad(subject, 0, element, 0, facts);
        }
        if let Some(severity) = worst {
            sieve.severity(subject, 0, severity);
        }
    }
}

impl Refs {
    /// Whom a row refers to, if it is looked at.
    fn referred<'a>(
        &'a self,
        cell: &'a Value,
        takes: std::result::Result<bool, Trouble<'a>>,
    ) -> std::result::Result<Option<&'a str>, Trouble<'a>> {
        match (takes?, cell) {
            (false, _) => Ok(None),
            (true, Value::Text(name)) => Ok(Some(name)),
            (true, Value::Null) => Err(Trouble::Missing(&self.column)),
            (true, _) => Err(Trouble::Malformed(&self.column)),
        }
    }

    fn sort<'a>(
        &'a self,
        table: &'a Table,
        now: Stamp,
        (known, missing): (&HashSet<&'a str>, Missing),
        (ghosts, sieve): (&mut BTreeMap<&'a str, Ghost<'a>>, &mut Sieve<'a>),
    ) -> Judged {
        let whose = Whose::of(table, &self.facet);
        let column = index(table, &self.facet, &self.column)?;
        let kind = self
            .table
            .as_ref()
            .map(|name| index(table, &self.facet, name))
            .transpose()?;
        let sift = self.filter.bind(table, &self.facet)?;
        let mut last: Option<(&str, bool)> = None;
        for row in table.rows() {
            let name = match self.referred(row.at(column), sift.takes(row, now)) {
                Ok(Some(name)) => name,
                Ok(None) => continue,
                Err(trouble) => {
                    missing.met(sieve, whose.subject(row), trouble);
                    continue;
                }
            };
            sieve.looked(name, 0);
            let here = match last {
                Some((last, here)) if same(last, name) => here,
                _ => known.contains(name),
            };
            last = Some((name, here));
            if !here {
                let table = kind.and_then(|kind| row.at(kind).as_text());
                let ghost = ghosts.entry(name).or_default();
                ghost.add(table.unwrap_or(&self.facet), whose.id(row));
            }
        }
        Ok(())
    }
}
