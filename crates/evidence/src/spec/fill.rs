//! What stands in braces: parameters, and the variables of `for`.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use super::table::{Item, Result};
use crate::json::{escape, quote};
use crate::nearest::hint;

/// A spec may come to so many bytes when all is multiplied and filled in: a few of them may stand for any number.
const MOST_BYTES: usize = 256 << 20;

/// Names and what they stand for.
#[derive(Clone, Default)]
pub(crate) struct Fill<'s> {
    values: HashMap<&'s str, String>,
    /// What all that was cloned from one has written.
    written: Rc<Cell<usize>>,
}

/// How a value is written into its surroundings.
#[derive(Clone, Copy, PartialEq)]
enum Into {
    Plain,
    Regex,
    JsonString,
    Token,
}

impl<'s> Fill<'s> {
    pub(crate) fn set(&mut self, name: &'s str, value: impl std::convert::Into<String>) {
        self.values.insert(name, value.into());
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A string of the spec, filled.
    pub(crate) fn text(&self, item: Item<'s>) -> Result<String> {
        self.within(item, item.text()?)
    }

    pub(crate) fn within(&self, item: Item<'s>, text: &str) -> Result<String> {
        self.replace(text, Into::Plain).map_err(|e| item.error(e))
    }

    /// A pattern, filled with what matches the value literally.
    pub(crate) fn regex(&self, item: Item<'s>) -> Result<String> {
        self.replace(item.text()?, Into::Regex)
            .map_err(|e| item.error(e))
    }

    /// One token of a pointer, still escaped; inside brackets, JSON.
    pub(crate) fn segment(&self, segment: &str) -> std::result::Result<String, String> {
        if !segment.starts_with('[') {
            return self.replace(segment, Into::Token);
        }
        let mut quoted = false;
        let mut filled = String::new();
        for piece in segment.split_inclusive('"') {
            let into = if quoted {
                Into::JsonString
            } else {
                Into::Plain
            };
            filled.push_str(&self.replace(piece, into)?);
            // An escaped quote does not end the string.
            quoted ^= piece.ends_with('"') && !(quoted && piece.ends_with("\\\""));
        }
        Ok(filled)
    }

    fn replace(&self, text: &str, into: Into) -> std::result::Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, braced) = rest.split_at(at);
            out.push_str(before);
            let name = braced[1..].split_once('}').map(|(name, _)| name);
            match name
                .filter(|name| is_name(name) && !(into == Into::Regex && is_class(&out, name)))
            {
                None => {
                    out.push('{');
                    rest = &braced[1..];
                }
                Some(name) => {
                    let value = write(self.value(name)?, into);
                    self.charge(value.len())?;
                    out.push_str(&value);
                    rest = &braced[name.len() + 2..];
                }
            }
        }
        out.push_str(rest);
        self.charge(out.len())?;
        Ok(out)
    }

    fn charge(&self, bytes: usize) -> std::result::Result<(), String> {
        self.written.set(self.written.get().saturating_add(bytes));
        match self.written.get() > MOST_BYTES {
            true => Err(format!(
                "filled in, the spec has more than {MOST_BYTES} bytes"
            )),
            false => Ok(()),
        }
    }

    fn value(&self, name: &str) -> std::result::Result<&str, String> {
        let value = self.values.get(name).map(String::as_str);
        value.ok_or_else(|| {
            let mut known: Vec<&str> = self.values.keys().copied().collect();
            known.sort_unstable();
            format!(
                "`{{{name}}}` is no parameter and no variable of `for`{}",
                hint(name, known)
            )
        })
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(rest)
}

/// Whether the brace belongs to the pattern: `\p{…}`, `\x{…}`, `\b{start}`.
fn is_class(before: &str, name: &str) -> bool {
    let mut last = before.chars().rev();
    let (letter, backslash) = (last.next(), last.next() == Some('\\'));
    let boundary = matches!(name, "start" | "end");
    let class = match letter {
        Some('p' | 'P' | 'x' | 'u' | 'U') => true,
        Some('b') => boundary,
        _ => false,
    };
    class && backslash
}

fn write(value: &str, into: Into) -> String {
    match into {
        Into::Plain => value.to_owned(),
        Into::Regex => regex::escape(value),
        Into::JsonString => {
            let quoted = quote(value);
            quoted[1..quoted.len() - 1].to_owned()
        }
        Into::Token => escape(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill() -> Fill<'static> {
        let mut fill = Fill::default();
        fill.set("x", "a/b\"c.");
        fill
    }

    #[test]
    fn a_value_is_written_as_its_surroundings_need_it() {
        let fill = fill();
        assert_eq!(
            fill.replace("<{x}>", Into::Plain),
            Ok("<a/b\"c.>".to_owned())
        );
        assert_eq!(
            fill.replace("^{x}{2}$", Into::Regex),
            Ok("^a/b\"c\\.{2}$".to_owned())
        );
        assert_eq!(
            fill.segment("[id=\"{x}\"]"),
            Ok("[id=\"a/b\\\"c.\"]".to_owned())
        );
        assert_eq!(fill.segment("k{x}"), Ok("ka~1b\"c.".to_owned()));
    }

    #[test]
    fn an_unknown_name_is_an_error_and_other_braces_are_not() {
        assert!(fill().replace("{y}", Into::Plain).is_err());
        assert_eq!(
            fill().replace("{} {40} {A}", Into::Plain),
            Ok("{} {40} {A}".to_owned())
        );
        assert_eq!(
            fill().replace(r"\p{x}", Into::Regex),
            Ok(r"\p{x}".to_owned())
        );
    }
}
