//! The fields of one table: each known by name, each read in its form, and the same list makes the JSON Schema.

use std::time::Duration;

use super::node::{Body, Node, Result};
use crate::nearest::hint;
use crate::{Error, Severity};

/// A key of a table, and what may stand there.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
}

/// What may stand at a key.
pub(crate) enum Form {
    Text,
    Int,
    Bool,
    Duration,
    Texts,
    OneOf(&'static [&'static str]),
    /// One or several conditions over columns.
    Conditions,
    /// A length of time, or a column of seconds and what to add.
    Limit,
    /// A table of these keys.
    Table(&'static [Key]),
    /// Text or a whole number.
    Scalar,
    /// Names, and a name for each.
    Names,
    /// Names, and one of these words for each.
    Words(&'static [&'static str]),
    /// A column that must have a value, or conditions.
    Then,
    /// Conditions with a kind each.
    Bad,
    /// An invariant's arms.
    Arms,
    /// Why it is off, or `false`.
    Off,
}

pub(crate) const fn key(name: &'static str, form: Form) -> Key {
    Key { name, form }
}

pub(crate) const SEVERITIES: &[&str] = &["minor", "major", "critical"];

/// A table whose keys are all known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    pub(crate) node: &'n Node,
}

impl<'n> Fields<'n> {
    /// The table, if it has no other keys than these.
    pub(crate) fn new(node: &'n Node, what: &str, known: &[&[Key]]) -> Result<Self> {
        let keys = || known.iter().copied().flatten();
        let known = || keys().map(|key| key.name);
        for entry in entries(node, keys())? {
            if !known().any(|name| name == entry.key) {
                let hint = hint(&entry.key, known());
                let message = format!("{what} has no key `{}`{hint}", entry.key);
                return Err(entry.place.error(message));
            }
        }
        Ok(Self { node })
    }

    pub(crate) fn get(self, key: &str) -> Option<&'n Node> {
        self.node.get(key)
    }

    pub(crate) fn need(self, key: &str) -> Result<&'n Node> {
        self.get(key)
            .ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    pub(crate) fn error(self, message: impl std::fmt::Display) -> Error {
        self.node.error(message)
    }

    /// Text that says something.
    pub(crate) fn words(self, key: &str) -> Result<String> {
        let node = self.need(key)?;
        let text = node.text()?.trim();
        match text.is_empty() {
            true => Err(node.error(format!("`{key}` says nothing: write a few words"))),
            false => Ok(text.to_owned()),
        }
    }

    pub(crate) fn text(self, key: &str) -> Result<Option<&'n str>> {
        self.get(key).map(Node::text).transpose()
    }

    pub(crate) fn duration(self, key: &str) -> Result<Option<Duration>> {
        self.get(key).map(duration).transpose()
    }

    pub(crate) fn flag(self, key: &str) -> Result<bool> {
        Ok(self
            .get(key)
            .map(Node::boolean)
            .transpose()?
            .unwrap_or(false))
    }

    pub(crate) fn count(self, key: &str) -> Result<Option<u64>> {
        self.get(key).map(count).transpose()
    }

    pub(crate) fn texts(self, key: &str) -> Result<Vec<String>> {
        let nodes = self.get(key).map(Node::several).unwrap_or_default();
        nodes
            .iter()
            .map(|node| Ok(node.text()?.to_owned()))
            .collect()
    }

    /// A program and its arguments; one text is the program, and nobody takes it apart.
    pub(crate) fn argv(self, key: &str) -> Result<Vec<String>> {
        match self.get(key) {
            Some(node) if matches!(node.body, Body::Text(_)) => {
                let text = node.text()?;
                match text.split_whitespace().nth(1) {
                    None => Ok(vec![text.to_owned()]),
                    Some(_) => Err(node.error(format!(
                        "there is no shell that takes this apart: write {key} = {:?}",
                        text.split_whitespace().collect::<Vec<_>>()
                    ))),
                }
            }
            _ => self.texts(key),
        }
    }

    pub(crate) fn severity(self, key: &str) -> Result<Option<Severity>> {
        self.get(key).map(severity).transpose()
    }

    /// One of these words, by its number.
    pub(crate) fn one_of(self, key: &str, words: &[&str]) -> Result<Option<usize>> {
        self.get(key).map(|node| one_of(node, words)).transpose()
    }
}

/// The entries of a table; what is none is told what one looks like.
fn entries<'n, 'k>(
    node: &'n Node,
    known: impl Iterator<Item = &'k Key>,
) -> Result<&'n [super::node::Entry]> {
    let Body::Table(entries) = &node.body else {
        let some: Vec<_> = known
            .take(2)
            .map(|key| format!("{} = {}", key.name, key.form.example()))
            .collect();
        return Err(node.wrong(format!("a table, such as {{ {} }},", some.join(", "))));
    };
    Ok(entries)
}

impl Form {
    /// What may stand there, in short.
    fn example(&self) -> String {
        match self {
            Self::Int => "3".to_owned(),
            Self::Bool => "true".to_owned(),
            Self::Duration => "\"5m\"".to_owned(),
            Self::OneOf(words) => format!("{:?}", words.first().unwrap_or(&"…")),
            _ => "\"…\"".to_owned(),
        }
    }
}

pub(crate) fn one_of(node: &Node, words: &[&str]) -> Result<usize> {
    let Body::Text(text) = &node.body else {
        return Err(node.wrong(format!("one of {}", quoted(words))));
    };
    let found = words.iter().position(|word| *word == text);
    found.ok_or_else(|| {
        let hint = hint(text, words.iter().copied());
        let known = words.join(", ");
        let hint = if hint.starts_with("; did") {
            &*hint
        } else {
            ""
        };
        node.error(format!("it is one of {known}{hint}"))
    })
}

pub(crate) fn severity(node: &Node) -> Result<Severity> {
    let all = [Severity::Minor, Severity::Major, Severity::Critical];
    Ok(all[one_of(node, SEVERITIES)?])
}

pub(crate) fn count(node: &Node) -> Result<u64> {
    let int = node.int()?;
    u64::try_from(int).map_err(|_| node.error("a count is not below 0"))
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    words.join(", ")
}

pub(crate) fn duration(node: &Node) -> Result<Duration> {
    if let Body::Int(number) = node.body {
        return Err(node.error(format!(
            "a length of time has a unit: write \"{number}s\", \"{number}m\" or \"{number}h\""
        )));
    }
    let text = node.text()?;
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        return Err(node.error(format!(
            "a length of time has a unit: write \"{text}s\", \"{text}m\" or \"{text}h\""
        )));
    }
    let read = humantime::parse_duration(text).ok();
    // Beyond a century, sums of instants would no longer mean anything.
    let read = read.filter(|duration| duration.as_secs() < 100 * 366 * 86_400);
    read.ok_or_else(|| node.error("this is no length of time, such as \"90s\" or \"1h 30m\""))
}
