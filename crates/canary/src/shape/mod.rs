//! What can be said in a rule set: one shape a file, each a [`Check`].

use crate::Check;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};

/// A shape: its name, its keys, and how it is read.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static [Key]],
    pub(crate) read: fn(Fields<'_>, &Facets) -> Result<Box<dyn Check>>,
}

pub(crate) const SHAPES: &[Shape] = &[];
pub(crate) const COMMON: &[Key] = &[key("shape", Form::Text)];
pub(crate) const ARMS: &[Key] = &[key("arm", Form::Arms)];
pub(crate) const CONDITION: &[Key] = &[key("column", Form::Text)];
pub(crate) const LIMIT: &[Key] = &[key("column", Form::Text), key("plus", Form::Duration)];

/// The check that a table describes; it may have these keys beside those of its shape.
pub(crate) fn read(node: &Node, _others: &[&[Key]], _facets: &Facets) -> Result<Box<dyn Check>> {
    Err(node.error("there are no shapes yet"))
}
