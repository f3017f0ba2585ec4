//! What can be said in a rule set: one shape a file, each a [`Check`].

mod absorbing;
mod age_below;
mod agree;
mod alike;
mod amount;
mod arms;
mod at_most;
pub(crate) mod blanks;
mod cell;
mod common;
mod condition;
mod count;
mod decay_floor;
mod dwell;
mod facet;
mod filter;
mod judge;
mod pool;
mod refers;
mod remembered;
mod row;
mod rows;
mod same_ids;
mod scope;
mod sees;
mod sieve;
mod waiting_implies;
mod within_then;

#[cfg(test)]
mod tests;

pub(crate) use arms::KEYS as ARMS;
pub(crate) use common::KEYS as COMMON;
pub(crate) use condition::KEYS as CONDITION;
pub(crate) use facet::LIMIT;
pub(crate) use row::BAD;

use crate::Check;
use crate::nearest::hint;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Key};
use crate::rules::node::{Node, Result};

/// A shape: its name, its keys, and how it is read.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static [Key]],
    pub(crate) read: fn(Fields<'_>, &Facets) -> Result<Box<dyn Check>>,
}

pub(crate) const SHAPES: &[Shape] = &[
    same_ids::SHAPE,
    at_most::AT_MOST,
    at_most::EXACTLY,
    age_below::SHAPE,
    within_then::SHAPE,
    decay_floor::SHAPE,
    absorbing::SHAPE,
    row::SHAPE,
    refers::SHAPE,
    agree::SHAPE,
    waiting_implies::SHAPE,
    pool::SHAPE,
    dwell::SHAPE,
    sees::SHAPE,
];

/// The shapes that can be told to pass over what lacks a cell.
const SKIPPING: [&str; 10] = [
    "age_below",
    "within_then",
    "decay_floor",
    "row",
    "agree",
    "at_most",
    "exactly",
    "refers",
    "waiting_implies",
    "pool",
];

/// The check that a table describes; it may have these keys beside those of its shape.
pub(crate) fn read(node: &Node, others: &[&[Key]], facets: &Facets) -> Result<Box<dyn Check>> {
    if node.get("arm").is_some() {
        return arms::read(node, others, facets);
    }
    let named = node.get("shape").ok_or_else(|| {
        let names: Vec<_> = SHAPES.iter().map(|shape| shape.name).collect();
        node.error(format!("`shape` is missing: one of {}", names.join(", ")))
    })?;
    let name = named.text()?;
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) else {
        let hint = hint(name, SHAPES.iter().map(|shape| shape.name));
        return Err(named.error(format!("there is no shape `{name}`{hint}")));
    };
    let mut known: Vec<&[Key]> = shape.keys.to_vec();
    known.push(COMMON);
    known.extend(others);
    let fields = Fields::new(node, &format!("an invariant of shape `{name}`"), &known)?;
    if let Some(missing) = fields.get("missing").filter(|_| !SKIPPING.contains(&name)) {
        return Err(missing.error(format!(
            "shape `{name}` skips nothing: what it needs and lacks is blind"
        )));
    }
    (shape.read)(fields, facets)
}

/// Refuses an invariant that a second look could not confirm.
pub(crate) fn again(node: &Node, facets: &Facets) -> Result {
    let arms = node.get("arm").map(Node::several).unwrap_or_default();
    for node in arms.iter().chain([node]) {
        let shape = node.get("shape").and_then(|shape| shape.text().ok());
        if shape == Some(refers::SHAPE.name) {
            refers::again(Fields { node }, facets)?;
        }
    }
    Ok(())
}
