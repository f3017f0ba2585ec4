//! Which subjects a shape is about: those of a mode that a column tells.

use super::cell::{Joined, Trouble};
use super::condition::{alike, scalar};
use super::facet::{Judged, Lookup};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Value, View};

pub(crate) const MODE: &[Key] = &[
    key("column", Form::Text),
    key("equals", Form::Scalar),
    key("not", Form::Scalar),
];

pub(super) struct Scope(Option<Mode>);

struct Mode {
    column: Lookup,
    value: Value,
    equals: bool,
}

/// A scope whose column was found.
pub(super) struct Within<'a>(Option<(Joined<'a>, &'a Value, bool)>);

impl Scope {
    pub(super) fn read(fields: Fields<'_>, facets: &Facets) -> Result<Self> {
        let Some(node) = fields.get("mode") else {
            return Ok(Self(None));
        };
        let fields = Fields::new(node, "`mode`", &[MODE])?;
        let (value, equals) = match (fields.get("equals"), fields.get("not")) {
            (Some(value), None) => (value, true),
            (None, Some(value)) => (value, false),
            _ => {
                return Err(
                    node.error("`mode` is a `column` and what it `equals` or what it is `not`")
                );
            }
        };
        Ok(Self(Some(Mode {
            column: Lookup::read(fields.need("column")?, facets, None)?,
            value: scalar(value)?,
            equals,
        })))
    }

    pub(super) fn facet(&self) -> Option<&str> {
        self.0.as_ref().map(|mode| &*mode.column.facet)
    }

    pub(super) fn bind<'a>(&'a self, view: &View<'a>) -> Judged<Within<'a>> {
        let Some(mode) = &self.0 else {
            return Ok(Within(None));
        };
        Ok(Within(Some((
            mode.column.bind(view)?,
            &mode.value,
            mode.equals,
        ))))
    }
}

impl<'a> Within<'a> {
    /// Whether it is about that subject; one that nobody knows the mode of is in none.
    ///
    /// # Errors
    ///
    /// When it is said to be in several.
    pub(super) fn has(&mut self, subject: &'a str) -> std::result::Result<bool, Trouble<'a>> {
        match &mut self.0 {
            None => Ok(true),
            Some((joined, value, equals)) => {
                let found = joined.get(subject)?;
                Ok(found.is_some_and(|found| alike(value, found) == *equals))
            }
        }
    }

    /// All whose mode is told.
    pub(super) fn subjects(&self) -> Vec<&'a str> {
        match &self.0 {
            None => Vec::new(),
            Some((joined, ..)) => joined.subjects().collect(),
        }
    }
}
