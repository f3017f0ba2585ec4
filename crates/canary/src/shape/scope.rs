//! Which subjects a shape is about: those of a mode that a column tells.

use super::alike::alike;
use super::cell::{Joined, Trouble};
use super::condition::{comparable, scalar};
use super::facet::{Judged, Lookup};
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::Result;
use crate::{Kind, Value, View};

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
pub(super) struct Within<'a>(Option<(Joined<'a>, &'a Mode)>);

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
        let column = Lookup::read(fields.need("column")?, facets, None)?;
        let rule = facets.named(node, &column.facet)?;
        let kind = rule.kind(&column.column).unwrap_or(Kind::Any);
        let mode = scalar(value)?;
        comparable(&mode, kind, value)?;
        Ok(Self(Some(Mode {
            column,
            value: mode,
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
        Ok(Within(Some((mode.column.bind(view)?, mode))))
    }
}

impl<'a> Within<'a> {
    /// Whether it is about that subject.
    ///
    /// # Errors
    ///
    /// When nobody knows its mode, it is said to be in several, or in none that there is.
    pub(super) fn has(&mut self, subject: &'a str) -> std::result::Result<bool, Trouble<'a>> {
        let Some((joined, mode)) = &mut self.0 else {
            return Ok(true);
        };
        let name = &*mode.column.column;
        let found = joined.get(subject)?.ok_or(Trouble::Missing(name))?;
        let alike = alike(&mode.value, found).ok_or(Trouble::Malformed(name))?;
        Ok(alike == mode.equals)
    }

    /// All whose mode is told.
    pub(super) fn subjects(&self) -> Vec<&'a str> {
        match &self.0 {
            None => Vec::new(),
            Some((joined, ..)) => joined.subjects().collect(),
        }
    }
}
