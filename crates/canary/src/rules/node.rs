//! TOML as a tree that knows where each value stands, so that what was merged from several files can still be complained about.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{Error, ErrorKind, Setting, Settings};

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

/// A file's name and text.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A point in a page.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    page: Arc<Page>,
    at: usize,
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
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> Error {
        let before = self.page.text.get(..self.at).unwrap_or(&self.page.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let message = format!("{}:{line}:{column}: {message}", self.page.name);
        Error::new(ErrorKind::Rules, crate::fact::bounded(&message, 600))
    }
}

impl Node {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let page = Arc::new(Page {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let place = |at| Place {
            page: page.clone(),
            at,
        };
        let root = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            place(at).error(error.message())
        })?;
        let body = table(root.get_ref(), &place)?;
        Ok(Self {
            place: place(0),
            body,
        })
    }

    pub(crate) fn error(&self, message: impl std::fmt::Display) -> Error {
        self.place.error(message)
    }

    pub(crate) fn text(&self) -> Result<&str> {
        match &self.body {
            Body::Text(text) => Ok(text),
            _ => Err(self.error("a string should be here")),
        }
    }

    pub(crate) fn int(&self) -> Result<i64> {
        match self.body {
            Body::Int(int) => Ok(int),
            _ => Err(self.error("a whole number should be here")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        match self.body {
            Body::Bool(yes) => Ok(yes),
            _ => Err(self.error("`true` or `false` should be here")),
        }
    }

    pub(crate) fn list(&self) -> Result<&[Node]> {
        match &self.body {
            Body::List(items) => Ok(items),
            _ => Err(self.error("an array should be here")),
        }
    }

    pub(crate) fn entries(&self) -> Result<&[Entry]> {
        match &self.body {
            Body::Table(entries) => Ok(entries),
            _ => Err(self.error("a table should be here")),
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

fn table(items: &DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Result<Body> {
    let mut entries = Vec::with_capacity(items.len());
    for (key, value) in items {
        entries.push(Entry {
            key: key.get_ref().to_string(),
            place: place(key.span().start),
            node: node(value, place)?,
        });
    }
    entries.sort_by_key(|entry| entry.place.at);
    Ok(Body::Table(entries))
}

fn node(value: &Spanned<DeValue<'_>>, place: &dyn Fn(usize) -> Place) -> Result<Node> {
    let here = place(value.span().start);
    let body = match value.get_ref() {
        DeValue::String(text) => Body::Text(text.to_string()),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(int) => Body::Int(int),
            Err(_) => return Err(here.error("this number is too large")),
        },
        DeValue::Boolean(yes) => Body::Bool(*yes),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| node(item, place));
            Body::List(items.collect::<Result<_>>()?)
        }
        DeValue::Table(items) => table(items, place)?,
        DeValue::Float(_) | DeValue::Datetime(_) => Body::Other,
    };
    Ok(Node { place: here, body })
}
