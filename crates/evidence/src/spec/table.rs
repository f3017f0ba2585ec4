//! TOML with places: every complaint names file, line and column, and every key must be known.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::error::{Error, ErrorKind};
use crate::json::{position, quote};
use crate::nearest::choice;

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

/// The text of a spec and its name.
#[derive(Clone, Copy)]
pub(crate) struct Page<'s> {
    pub(crate) name: &'s str,
    pub(crate) text: &'s str,
}

impl<'s> Page<'s> {
    pub(crate) fn error(self, at: usize, message: impl std::fmt::Display) -> Error {
        let (line, column) = position(self.text, at);
        let message = format!("{}:{line}:{column}: {message}", self.name);
        Error::new(ErrorKind::Spec, message)
    }

    pub(crate) fn parse(self) -> Result<Spanned<DeTable<'s>>> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, error.message())
        })
    }
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Item<'s> {
    pub(crate) page: Page<'s>,
    value: &'s Spanned<DeValue<'s>>,
}

impl<'s> Item<'s> {
    pub(crate) fn at(self) -> usize {
        self.value.span().start
    }

    pub(crate) fn error(self, message: impl std::fmt::Display) -> Error {
        self.page.error(self.at(), message)
    }

    pub(crate) fn text(self) -> Result<&'s str> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.error("a string should be here")),
        }
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

    pub(crate) fn boolean(self) -> Result<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(yes) => Ok(*yes),
            _ => Err(self.error("`true` or `false` should be here")),
        }
    }

    pub(crate) fn integer(self) -> Result<i128> {
        match self.value.get_ref() {
            DeValue::Integer(n) => i128::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        }
        .ok_or_else(|| self.error("an integer should be here"))
    }

    pub(crate) fn count(self) -> Result<usize> {
        let count = self.integer()?;
        usize::try_from(count).map_err(|_| self.error("a count should be here"))
    }

    pub(crate) fn float(self) -> Result<f64> {
        let text = match self.value.get_ref() {
            DeValue::Integer(n) if n.radix() == 10 => n.as_str(),
            DeValue::Float(x) => x.as_str(),
            _ => return Err(self.error("a number should be here")),
        };
        let number = text.parse().ok().filter(|x: &f64| x.is_finite());
        number.ok_or_else(|| self.error("a finite number should be here"))
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Integer(_))
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Float(_))
    }

    pub(crate) fn list(self) -> Result<impl ExactSizeIterator<Item = Item<'s>>> {
        let page = self.page;
        match self.value.get_ref() {
            DeValue::Array(items) => Ok(items.iter().map(move |value| Item { page, value })),
            _ => Err(self.error("an array should be here")),
        }
    }

    pub(crate) fn table(self) -> Result<Table<'s>> {
        match self.value.get_ref() {
            DeValue::Table(items) => Ok(Table {
                page: self.page,
                span: self.value.span(),
                items,
            }),
            _ => Err(self.error("a table should be here")),
        }
    }

    /// The value as JSON; `fill` replaces what is in braces in its strings.
    pub(crate) fn json(self, fill: &dyn Fn(Item<'s>, &str) -> Result<String>) -> Result<String> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(quote(&fill(self, text)?)),
            DeValue::Integer(_) => Ok(self.integer()?.to_string()),
            DeValue::Float(_) => Ok(format!("{:?}", self.float()?)),
            DeValue::Boolean(yes) => Ok(yes.to_string()),
            DeValue::Datetime(_) => Err(self.error("write a time as a string")),
            DeValue::Array(_) => {
                let items: Result<Vec<_>> = self.list()?.map(|item| item.json(fill)).collect();
                Ok(format!("[{}]", items?.join(",")))
            }
            DeValue::Table(_) => {
                let member = |(key, item): (&str, Item<'s>)| {
                    Ok(format!("{}:{}", quote(key), item.json(fill)?))
                };
                let members: Result<Vec<_>> = self.table()?.entries().map(member).collect();
                Ok(format!("{{{}}}", members?.join(",")))
            }
        }
    }
}

/// A table and where it stands.
#[derive(Clone)]
pub(crate) struct Table<'s> {
    pub(crate) page: Page<'s>,
    span: Range<usize>,
    items: &'s DeTable<'s>,
}

impl<'s> Table<'s> {
    pub(crate) fn root(page: Page<'s>, items: &'s Spanned<DeTable<'s>>) -> Self {
        Self {
            page,
            span: items.span(),
            items: items.get_ref(),
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.span.start
    }

    pub(crate) fn error(&self, message: impl std::fmt::Display) -> Error {
        self.page.error(self.at(), message)
    }

    /// Refuses a key that is not among the known ones.
    pub(crate) fn only(&self, what: &str, known: &[&str]) -> Result {
        let unknown = self
            .items
            .keys()
            .find(|key| !known.contains(&&**key.get_ref()));
        match unknown {
            None => Ok(()),
            Some(key) => {
                let name = key.get_ref();
                let hint = choice(name, known.iter().copied());
                let message = format!("{what} has no key `{name}`{hint}");
                Err(self.page.error(key.span().start, message))
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Item<'s>> {
        let page = self.page;
        self.items.get(key).map(|value| Item { page, value })
    }

    pub(crate) fn need(&self, key: &str) -> Result<Item<'s>> {
        self.get(key)
            .ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.items.contains_key(key)
    }

    /// Keys and values in the order in which they were written.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'s str, Item<'s>)> + use<'s> {
        let page = self.page;
        let mut entries: Vec<_> = self.items.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let item = move |(key, value): (&'s Spanned<DeString<'s>>, _)| {
            (&**key.get_ref(), Item { page, value })
        };
        entries.into_iter().map(item)
    }

    /// The tables of `[[key]]`; none if there is no such key.
    pub(crate) fn tables(&self, key: &str) -> Result<Vec<Table<'s>>> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(item) => item.list()?.map(Item::table).collect(),
        }
    }
}
