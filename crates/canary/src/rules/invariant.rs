use std::collections::BTreeSet;

use super::Facets;
use super::fields::Fields;
use super::is_name;
use super::node::{Body, Entry, Node, Result};
use super::terms::{self, META, TERMS};
use crate::Invariant;
use crate::engine::is_own;
use crate::shape;

/// The invariants, those that are off and why, and the facets that only those would look at.
type Read = (Vec<Invariant>, Vec<(String, String)>, BTreeSet<String>);

const OURS: &str =
    "ids that begin with `canary.` are those by which the canary judges itself; choose another";

pub(super) fn read(node: Option<&Node>, facets: &Facets) -> Result<Read> {
    let entries = node.map(Node::entries).transpose()?.unwrap_or_default();
    let (mut invariants, mut off) = (Vec::new(), Vec::new());
    let (mut used, mut idle) = (BTreeSet::new(), BTreeSet::new());
    facets.take_asked();
    for (index, entry) in entries.iter().enumerate() {
        named(entry, &entries[..index])?;
        let invariant = invariant(entry, facets)?;
        match entry.node.get("off").map(why_off).transpose()?.flatten() {
            None => {
                used.append(&mut facets.take_asked());
                invariants.push(invariant);
            }
            Some(why) => {
                idle.append(&mut facets.take_asked());
                off.push((entry.key.clone(), why));
            }
        }
    }
    invariants.sort_by(|a, b| a.meta.id.cmp(&b.meta.id));
    idle.retain(|facet| !used.contains(facet));
    Ok((invariants, off, idle))
}

/// Why it is off, if it is: `false` takes back what an included set says.
fn why_off(node: &Node) -> Result<Option<String>> {
    match &node.body {
        Body::Bool(false) => Ok(None),
        Body::Text(why) if !why.trim().is_empty() => Ok(Some(why.clone())),
        _ => Err(node.error("say why it is off, or write `off = false`")),
    }
}

fn named(entry: &Entry, before: &[Entry]) -> Result {
    let id = &entry.key;
    if !is_name(id) {
        let message = format!("`{id}`: an id is made of letters, digits and `. - _`");
        return Err(entry.place.error(message));
    }
    if is_own(id) {
        let message = format!("`{id}`: {OURS}");
        return Err(entry.place.error(message));
    }
    let twin = before.iter().find(|one| one.key.eq_ignore_ascii_case(id));
    twin.map_or(Ok(()), |twin| {
        let message = format!("`{id}` and `{}` are one id to people", twin.key);
        Err(entry.place.error(message))
    })
}

/// `[invariant.S.2]` is a table in a table; its id needs quotes.
fn unquoted(entry: &Entry) -> Result {
    if entry.node.get("shape").is_some() || entry.node.get("arm").is_some() {
        return Ok(());
    }
    let known = |key: &str| {
        let shapes = shape::SHAPES.iter().flat_map(|shape| shape.keys);
        let keys = shapes.copied().chain([shape::COMMON, META, TERMS]);
        keys.flatten().any(|one| one.name == key)
    };
    let table = |inner: &&Entry| matches!(inner.node.body, Body::Table(_)) && !known(&inner.key);
    let Some(inner) = entry.node.entries()?.iter().find(table) else {
        return Ok(());
    };
    let id = format!("{}.{}", entry.key, inner.key);
    if is_own(&id) {
        let message = format!("`{id}`: {OURS}");
        return Err(inner.place.error(message));
    }
    let message = format!(
        "this is a table in the invariant `{}`: an id with a dot needs quotes, as in [invariant.{id:?}]",
        entry.key
    );
    Err(inner.place.error(message))
}

fn invariant(entry: &Entry, facets: &Facets) -> Result<Invariant> {
    unquoted(entry)?;
    let check = shape::read(&entry.node, &[META, TERMS], facets)?;
    shape::blanks::check(&entry.node, facets)?;
    let fields = Fields { node: &entry.node };
    let terms = terms::terms(fields, facets)?;
    if terms.reread {
        shape::again(&entry.node, facets)?;
    }
    Ok(Invariant {
        meta: terms::meta(&entry.key, fields)?,
        check,
        terms,
    })
}
