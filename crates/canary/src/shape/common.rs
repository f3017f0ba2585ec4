//! What all shapes have: names for their kinds, and what becomes of cells that are missing.

use super::cell::Trouble;
use super::sieve::Sieve;
use crate::nearest::hint;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::is_name;
use crate::rules::node::Result;

pub(crate) const KEYS: &[Key] = &[
    key("shape", Form::Text),
    key("kinds", Form::Names),
    key("missing", Form::OneOf(&["skip"])),
    key("because", Form::Text),
];

/// The kinds of a shape, by the names that the rule set gives them.
pub(super) fn kinds(fields: Fields<'_>, usual: &[&str]) -> Result<Vec<String>> {
    let mut kinds: Vec<String> = usual.iter().map(|kind| (*kind).to_owned()).collect();
    let Some(node) = fields.get("kinds") else {
        return Ok(kinds);
    };
    for entry in node.entries()? {
        let Some(index) = usual.iter().position(|kind| *kind == entry.key) else {
            let hint = hint(&entry.key, usual.iter().copied());
            let message = format!("there is no kind `{}` to be renamed{hint}", entry.key);
            return Err(entry.place.error(message));
        };
        let name = entry.node.text()?;
        if !is_name(name)
            || kinds
                .iter()
                .enumerate()
                .any(|(i, kind)| i != index && kind == name)
        {
            let message = format!("`{name}` is no name for a kind, or that of another");
            return Err(entry.node.error(message));
        }
        name.clone_into(&mut kinds[index]);
    }
    Ok(kinds)
}

/// What becomes of a row in which a cell is missing that is needed.
#[derive(Clone, Copy)]
pub(super) enum Missing {
    /// Its subject is blind.
    Blind,
    /// It is passed over, and the rule set says why that is right.
    Skip,
}

impl Missing {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self> {
        match fields.one_of("missing", &["skip"])? {
            None if fields.get("because").is_some() => {
                Err(fields.error("`because` says why something is skipped, and nothing is"))
            }
            None => Ok(Self::Blind),
            Some(_)
                if fields
                    .text("because")?
                    .is_none_or(|why| why.trim().is_empty()) =>
            {
                let missing = fields.need("missing")?;
                Err(missing.error("say with `because` why rows without it are rightly skipped"))
            }
            Some(_) => Ok(Self::Skip),
        }
    }

    pub(super) fn met<'a>(self, sieve: &mut Sieve<'a>, subject: &'a str, trouble: Trouble<'_>) {
        match (self, trouble) {
            (Self::Skip, Trouble::Missing(_)) => {}
            _ => sieve.trouble(subject, trouble),
        }
    }
}
