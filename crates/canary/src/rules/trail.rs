//! How messages name the table and the key that they are about, and what of the written value they show.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::node::{Page, Place};
use crate::{Error, fact::bounded};

/// What is longer is not repeated as a whole.
const SHOWN: usize = 60;

/// The tables that have names of their own below them.
const NAMED: [&str; 4] = ["source", "facet", "invariant", "drill"];

/// The way from the root to a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    /// `[source.db]`, as far as it is known.
    table: Arc<str>,
    /// What is below that: `expect.within_cycles`.
    key: Arc<str>,
    /// Whether what was written here is shown.
    shown: bool,
}

impl Trail {
    /// The way on to a key.
    pub(super) fn below(&self, key: &str, value: &DeValue<'_>) -> Self {
        let name = quoted(key);
        let is_table = matches!(value, DeValue::Table(_));
        let group = self.table.trim_matches(['[', ']']);
        match (&*self.table, &*self.key) {
            ("", "") if is_table => self.at_table(format!("[{name}]")),
            (_, "") if is_table && NAMED.contains(&group) => {
                self.at_table(format!("[{group}.{name}]"))
            }
            ("", "") if matches!(value, DeValue::Array(_)) && key == "alert" => {
                self.at_table("[[alert]]".to_owned())
            }
            (_, "") => self.at_key(name, key),
            (_, known) => self.at_key(format!("{known}.{name}"), key),
        }
    }

    /// The way on to an item of a list, by its number or its kind.
    pub(super) fn item(&self, at: usize, item: &DeValue<'_>) -> Self {
        let kind = item.get("kind").and_then(|kind| kind.get_ref().as_str());
        match (&*self.table, &*self.key) {
            ("[[alert]]", "") => match kind {
                Some(kind) => self.at_table(format!("[[alert]] {}", bounded(kind, SHOWN))),
                None => self.clone(),
            },
            (_, key) => Self {
                key: format!("{key}[{at}]").into(),
                ..self.clone()
            },
        }
    }

    /// The same, for a key of this table that is not known.
    pub(super) fn of_table(&self) -> Self {
        Self {
            shown: false,
            ..self.clone()
        }
    }

    fn at_table(&self, table: String) -> Self {
        Self {
            table: table.into(),
            key: Arc::default(),
            shown: false,
        }
    }

    fn at_key(&self, path: String, key: &str) -> Self {
        let secret = ["url", "password", "username"].contains(&key);
        Self {
            table: self.table.clone(),
            key: path.into(),
            shown: !secret,
        }
    }

    /// As the beginning of a message.
    pub(super) fn said(&self, written: &str) -> String {
        let value = match self.shown.then(|| shown(written)).flatten() {
            Some(value) => format!(" = {value}"),
            None => String::new(),
        };
        match (&*self.table, &*self.key) {
            ("", "") => String::new(),
            (table, "") => format!("{table}: "),
            ("", key) => format!("{key}{value}: "),
            (table, key) => format!("{table} {key}{value}: "),
        }
    }
}

/// A value as it was written, if it is short and no address: those may have passwords in them.
fn shown(written: &str) -> Option<String> {
    let line = written.lines().next().unwrap_or_default();
    let whole = line.len() == written.len() && line.chars().count() <= SHOWN;
    match line.chars().next() {
        None => None,
        Some(_) if written.contains("://") || written.contains('@') => None,
        Some('[' | '{') => whole.then(|| line.to_owned()),
        Some(_) if whole => Some(line.to_owned()),
        Some(_) => Some(bounded(line, SHOWN)),
    }
}

/// A key as it has to be written.
fn quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !key.is_empty() && key.chars().all(bare) {
        true => key.to_owned(),
        false => format!("{:?}", bounded(key, SHOWN)),
    }
}

pub(super) fn place(page: &Arc<Page>, span: Range<usize>, trail: &Trail) -> Place {
    Place {
        page: page.clone(),
        span,
        trail: trail.clone(),
    }
}

/// What is no TOML; of a key that is there twice, also where it stands first.
pub(super) fn broken(page: &Arc<Page>, error: &toml::de::Error, root: &DeTable<'_>) -> Error {
    let span = error.span().unwrap_or(0..0);
    let here = place(page, span.clone(), &Trail::default());
    let text = page.text.get(span.clone()).unwrap_or_default();
    if error.message() == "duplicate key" {
        let key = text.trim_matches(['"', '\'']);
        let mut first = None;
        earlier(root, key, span.start, &mut first);
        let first = first.map(|first| place(page, first..first, &Trail::default()).line().0);
        let first = first.or_else(|| same_line(&page.text, here.line().0));
        let first = first.map_or_else(String::new, |line| {
            format!("; it is in line {line} as well")
        });
        return here.error(format!("duplicate key `{key}`{first}"));
    }
    let line = page.text.lines().nth(here.line().0 - 1).unwrap_or_default();
    match shown(line.trim()) {
        Some(line) => here.error(format!("{}: {line}", error.message())),
        None => here.error(error.message()),
    }
}

/// The number of the first line that is the same as that one: the head of a table that is there twice.
fn same_line(text: &str, line: usize) -> Option<usize> {
    let mut lines = text.lines().map(str::trim).take(line);
    let this = text.lines().nth(line.checked_sub(1)?)?.trim();
    let first = lines.position(|one| one == this)? + 1;
    (first < line).then_some(first)
}

/// The last key of that name before a place.
fn earlier(table: &DeTable<'_>, name: &str, before: usize, found: &mut Option<usize>) {
    for (key, value) in table {
        let at = key.span().start;
        if key.get_ref() == name && at < before {
            *found = (*found).max(Some(at));
        }
        match value.get_ref() {
            DeValue::Table(table) => earlier(table, name, before, found),
            DeValue::Array(items) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.for_each(|table| earlier(table, name, before, found));
            }
            _ => {}
        }
    }
}
