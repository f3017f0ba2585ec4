//! TOML as a tree that knows where each value stands, so that what was merged from several files can still be complained about.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::trail::{Trail, broken, place};
use crate::{Error, ErrorKind, Setting, Settings};

/// No message is longer than that.
const LONGEST: usize = 1000;

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

/// A file's name and text.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What stands in a page, from its first byte to its last.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(super) page: Arc<Page>,
    pub(super) span: Range<usize>,
    pub(super) trail: Trail,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Text(String),
    Int(i64),
    Bool(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// What no rule may hold: floats and dates.
    Other,
}

/// A key, where it stands, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

impl Place {
    /// An error that begins with file, line and column, the table, the key and what was written there.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> Error {
        let (line, column) = self.line();
        let (name, about) = (&self.page.name, self.trail.said(self.written()));
        let message = format!("{name}:{line}:{column}: {about}{message}");
        Error::new(ErrorKind::Rules, crate::fact::bounded(&message, LONGEST))
    }

    /// The line and the column at which it begins.
    pub(crate) fn line(&self) -> (usize, usize) {
        let text = &self.page.text;
        let before = text.get(..self.span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    }

    fn written(&self) -> &str {
        self.page.text.get(self.span.clone()).unwrap_or_default()
    }
}

impl Node {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let page = Arc::new(Page {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let (root, errors) = DeTable::parse_recoverable(text);
        if let Some(error) = errors.first() {
            return Err(broken(&page, error, root.get_ref()));
        }
        let trail = Trail::default();
        Ok(Self {
            body: table(root.get_ref(), &page, &trail)?,
            place: place(&page, 0..0, &trail),
        })
    }

    pub(crate) fn error(&self, message: impl std::fmt::Display) -> Error {
        self.place.error(message)
    }

    /// Something else is needed here, and this is not it.
    pub(crate) fn wrong(&self, needed: impl std::fmt::Display) -> Error {
        let without = match &self.body {
            Body::Text(text) if text.trim().parse::<i64>().is_ok() => {
                format!(": write {} without quotes", text.trim())
            }
            _ => String::new(),
        };
        let is = match &self.body {
            Body::Text(_) => "this is text",
            Body::Int(_) => "this is a whole number",
            Body::Bool(_) => "this is `true` or `false`",
            Body::List(_) => "this is a list",
            Body::Table(_) => "this is a table",
            Body::Other => "this is a fraction or a date",
        };
        self.error(format!("{is}, and {needed} is needed{without}"))
    }

    pub(crate) fn text(&self) -> Result<&str> {
        match &self.body {
            Body::Text(text) => Ok(text),
            _ => Err(self.wrong("text in quotes")),
        }
    }

    pub(crate) fn int(&self) -> Result<i64> {
        match self.body {
            Body::Int(int) => Ok(int),
            _ => Err(self.wrong("a whole number")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        match self.body {
            Body::Bool(yes) => Ok(yes),
            _ => Err(self.wrong("`true` or `false`")),
        }
    }

    pub(crate) fn list(&self) -> Result<&[Node]> {
        match &self.body {
            Body::List(items) => Ok(items),
            _ => Err(self.wrong("a list, as in `[…]`")),
        }
    }

    pub(crate) fn entries(&self) -> Result<&[Entry]> {
        match &self.body {
            Body::Table(entries) => Ok(entries),
            _ => Err(self.wrong("a table, as in `{ key = … }`")),
        }
    }

    /// One or several: an array as it is, anything else as the only item.
    pub(crate) fn several(&self) -> &[Node] {
        match &self.body {
            Body::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Body::Table(entries) = &self.body else {
            return None;
        };
        let found = entries.iter().find(|entry| entry.key == key)?;
        Some(&found.node)
    }

    /// For the source or the sink to understand.
    pub(crate) fn setting(&self) -> Result<Setting> {
        Ok(match &self.body {
            Body::Text(text) => Setting::Text(text.clone()),
            Body::Int(int) => Setting::Int(*int),
            Body::Bool(yes) => Setting::Bool(*yes),
            Body::List(items) => {
                Setting::List(items.iter().map(Self::setting).collect::<Result<_>>()?)
            }
            Body::Table(_) => Setting::Map(self.settings(&[])?),
            Body::Other => return Err(self.error("write a fraction or a date as a string")),
        })
    }

    /// The entries but those, for the source or the sink to understand.
    pub(crate) fn settings(&self, but: &[&str]) -> Result<Settings> {
        let ours = |entry: &&Entry| !but.contains(&&*entry.key);
        let pair = |entry: &Entry| Ok((entry.key.clone(), entry.node.setting()?));
        self.entries()?.iter().filter(ours).map(pair).collect()
    }
}

fn table(items: &DeTable<'_>, page: &Arc<Page>, trail: &Trail) -> Result<Body> {
    let mut entries = Vec::with_capacity(items.len());
    for (key, value) in items {
        let name = key.get_ref().to_string();
        let below = trail.below(&name, value.get_ref());
        entries.push(Entry {
            place: place(page, key.span(), &trail.of_table()),
            node: node(value, page, &below)?,
            key: name,
        });
    }
    entries.sort_by_key(|entry| entry.place.span.start);
    Ok(Body::Table(entries))
}

fn node(value: &Spanned<DeValue<'_>>, page: &Arc<Page>, trail: &Trail) -> Result<Node> {
    let here = place(page, value.span(), trail);
    let body = match value.get_ref() {
        DeValue::String(text) => Body::Text(text.to_string()),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(int) => Body::Int(int),
            Err(_) => return Err(here.error("this number is too large")),
        },
        DeValue::Boolean(yes) => Body::Bool(*yes),
        DeValue::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(at, item)| node(item, page, &trail.item(at, item.get_ref())));
            Body::List(items.collect::<Result<_>>()?)
        }
        DeValue::Table(items) => table(items, page, trail)?,
        DeValue::Float(_) | DeValue::Datetime(_) => Body::Other,
    };
    Ok(Node { place: here, body })
}
