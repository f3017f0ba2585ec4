//! What is counted by subject: rows, or the numbers in a column.

use std::collections::BTreeMap;

use super::cell::{Trouble, Whose, index, int, same};
use super::facet::{Judged, Lookup, name};
use super::filter::Filter;
use crate::rules::node::{Node, Result};
use crate::rules::{FacetRule, Facets};
use crate::{Kind, Stamp, Table};

/// What a facet without subjects is counted for.
pub(super) const ALL: &str = "all";

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

    /// Also those whose rows are all left out.
    pub(super) fn everybody<'a>(
        &'a self,
        table: &'a Table,
        counted: &mut BTreeMap<&'a str, Counted<'a>>,
    ) {
        let whose = Whose::of(table, &self.facet);
        let mut last = None;
        for subject in table.rows().map(|row| whose.subject(row)) {
            if last != Some(subject) {
                counted.entry(subject).or_default();
                last = Some(subject);
            }
        }
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
