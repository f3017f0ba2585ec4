//! Which rows a shape looks at.

use super::cell::Trouble;
use super::condition::{Bound, Condition, Truth};
use crate::rules::FacetRule;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::{Cause, Row, Stamp, Table};

#[derive(Default)]
pub(super) struct Filter {
    /// All of these hold …
    all: Vec<Condition>,
    /// … and none of these.
    none: Vec<Condition>,
}

pub(crate) const FILTER: &[Key] = &[
    key("where", Form::Conditions),
    key("exempt", Form::Conditions),
];

/// A filter whose columns were found.
pub(super) struct Sift<'c> {
    all: Vec<Bound<'c>>,
    none: Vec<Bound<'c>>,
}

impl Filter {
    pub(super) fn read(fields: Fields<'_>, facet: &FacetRule) -> Result<Self> {
        Self::of(fields.get("where"), fields.get("exempt"), facet)
    }

    pub(super) fn of(all: Option<&Node>, none: Option<&Node>, facet: &FacetRule) -> Result<Self> {
        Ok(Self {
            all: Condition::several(all, facet)?,
            none: Condition::several(none, facet)?,
        })
    }

    pub(super) fn none(none: Vec<Condition>) -> Self {
        let all = Vec::new();
        Self { all, none }
    }

    pub(super) fn but(mut self, condition: Condition) -> Self {
        self.none.push(condition);
        self
    }

    pub(super) fn bind<'c>(
        &'c self,
        table: &Table,
        facet: &str,
    ) -> std::result::Result<Sift<'c>, Cause> {
        let bind = |conditions: &'c [Condition]| {
            conditions
                .iter()
                .map(|one| one.bind(table, facet))
                .collect::<std::result::Result<Vec<_>, Cause>>()
        };
        Ok(Sift {
            all: bind(&self.all)?,
            none: bind(&self.none)?,
        })
    }
}

impl<'c> Sift<'c> {
    /// Whether the row is looked at. A cell that is missing meets no condition over times, and one that cannot be read exempts from nothing.
    ///
    /// # Errors
    ///
    /// When a cell that decides it cannot be read.
    pub(super) fn takes(&self, row: Row<'_>, now: Stamp) -> std::result::Result<bool, Trouble<'c>> {
        let mut unknown = None;
        for condition in &self.all {
            match condition.holds(row, now) {
                Truth::Yes => {}
                Truth::No | Truth::Unknown(Trouble::Missing(_)) => return Ok(false),
                Truth::Unknown(trouble) => unknown = Some(trouble),
            }
        }
        if self
            .none
            .iter()
            .any(|condition| condition.holds(row, now) == Truth::Yes)
        {
            return Ok(false);
        }
        unknown.map_or(Ok(true), Err)
    }
}
