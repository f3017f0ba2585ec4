//! Conditions over the columns of a row.

use std::time::Duration;

use regex::Regex;

use super::cell::{AHEAD, Trouble, micros, time};
use super::facet::need_column;
use crate::rules::FacetRule;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Body, Node, Result};
use crate::secret::Secrets;
use crate::{Cause, Kind, Row, Stamp, Table, Value};

/// What is asked of one column; all of it has to hold.
pub(super) struct Condition {
    column: String,
    tests: Vec<Test>,
}

enum Test {
    Null(bool),
    Set(bool),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    Prefix(String),
    Matches(Box<Regex>),
    /// By so much, at the instant in that column, or now.
    Older(Option<String>, i64),
    Younger(Option<String>, i64),
    /// Before that column, or now, by more than so much.
    Before(Option<String>, i64),
    After(Option<String>, i64),
    Same(String),
    Differs(String),
    Json(bool),
    Secret(Secrets),
}

pub(crate) const KEYS: &[Key] = &[
    key("column", Form::Text),
    key("null", Form::Bool),
    key("set", Form::Bool),
    key("equals", Form::Scalar),
    key("not", Form::Scalar),
    key("in", Form::Texts),
    key("not_in", Form::Texts),
    key("prefix", Form::Text),
    key("matches", Form::Text),
    key("older_than", Form::Duration),
    key("younger_than", Form::Duration),
    key("at", Form::Text),
    key("before", Form::Text),
    key("after", Form::Text),
    key("by", Form::Duration),
    key("same", Form::Text),
    key("differs", Form::Text),
    key("json", Form::Bool),
    key("secret", Form::Bool),
];

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth<'c> {
    Yes,
    No,
    Unknown(Trouble<'c>),
}

impl Condition {
    pub(super) fn read(node: &Node, others: &[Key], facet: &FacetRule) -> Result<Self> {
        let fields = Fields::new(node, "a condition", &[KEYS, others])?;
        let column = fields.need("column")?;
        let name = need_column(column, facet, column.text()?, None)?;
        let mut tests = Vec::new();
        for entry in node.entries()? {
            let known = KEYS.iter().any(|key| key.name == entry.key);
            if known && !matches!(&*entry.key, "column" | "by" | "at") {
                tests.push(Test::read(&entry.key, &entry.node, fields, facet)?);
            }
        }
        let aged = |test: &Test| matches!(test, Test::Older(..) | Test::Younger(..));
        if let Some(at) = fields.get("at").filter(|_| !tests.iter().any(aged)) {
            return Err(at.error("`at` says when something is `older_than` or `younger_than`"));
        }
        if tests.iter().any(Test::of_times) {
            need_column(column, facet, &name, Some(Kind::Time))?;
        }
        match tests.is_empty() {
            true => Err(node.error("this condition asks nothing")),
            false => Ok(Self {
                column: name,
                tests,
            }),
        }
    }

    /// One or several conditions.
    pub(super) fn several(node: Option<&Node>, facet: &FacetRule) -> Result<Vec<Self>> {
        let nodes = node.map(Node::several).unwrap_or_default();
        nodes
            .iter()
            .map(|node| Self::read(node, &[], facet))
            .collect()
    }

    /// A condition that is not written out.
    pub(super) fn prefix(column: &str, prefix: &str) -> Self {
        Self {
            column: column.to_owned(),
            tests: vec![Test::Prefix(prefix.to_owned())],
        }
    }

    /// That the column has any value.
    pub(super) fn not_null(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            tests: vec![Test::Null(false)],
        }
    }

    /// Finds its columns in an answer.
    pub(super) fn bind<'c>(
        &'c self,
        table: &Table,
        facet: &str,
    ) -> std::result::Result<Bound<'c>, Cause> {
        let index = |column: &str| super::cell::index(table, facet, column);
        let column = index(&self.column)?;
        let other =
            |test: &'c Test| Ok((test, test.other().map(index).transpose()?.unwrap_or(column)));
        let tests: std::result::Result<Vec<_>, Cause> = self.tests.iter().map(other).collect();
        Ok(Bound {
            name: &self.column,
            column,
            tests: tests?,
        })
    }
}

impl Test {
    fn read(key: &str, node: &Node, fields: Fields<'_>, facet: &FacetRule) -> Result<Self> {
        let other = || {
            let name = node.text()?;
            need_column(node, facet, name, None)
        };
        let instant = |node: &Node| match node.text()? {
            "now" => Ok(None),
            name => need_column(node, facet, name, Some(Kind::Time)).map(Some),
        };
        let at = || Ok(fields.get("at").map(instant).transpose()?.flatten());
        let by = micros(fields.duration("by")?.unwrap_or(Duration::ZERO));
        let length = || Ok(micros(crate::rules::fields::duration(node)?));
        Ok(match key {
            "null" => Self::Null(node.boolean()?),
            "set" => Self::Set(node.boolean()?),
            "equals" | "in" => Self::In(scalars(node)?),
            "not" | "not_in" => Self::NotIn(scalars(node)?),
            "prefix" => Self::Prefix(node.text()?.to_owned()),
            "matches" => Self::Matches(Box::new(pattern(node)?)),
            "older_than" => Self::Older(at()?, length()?),
            "younger_than" => Self::Younger(at()?, length()?),
            "before" => Self::Before(instant(node)?, by),
            "after" => Self::After(instant(node)?, by),
            "same" => Self::Same(other()?),
            "differs" => Self::Differs(other()?),
            "json" => Self::Json(node.boolean()?),
            _ if node.boolean()? => Self::Secret(Secrets::new()),
            _ => return Err(node.error("`secret` can only be asked for")),
        })
    }

    fn of_times(&self) -> bool {
        matches!(
            self,
            Self::Older(..) | Self::Younger(..) | Self::Before(..) | Self::After(..)
        )
    }

    fn other(&self) -> Option<&str> {
        match self {
            Self::Older(other, _)
            | Self::Younger(other, _)
            | Self::Before(other, _)
            | Self::After(other, _) => other.as_deref(),
            Self::Same(other) | Self::Differs(other) => Some(other),
            _ => None,
        }
    }
}

fn scalars(node: &Node) -> Result<Vec<Value>> {
    node.several().iter().map(scalar).collect()
}

pub(super) fn scalar(node: &Node) -> Result<Value> {
    match &node.body {
        Body::Text(text) => Ok(Value::text(&**text)),
        Body::Int(int) => Ok(Value::Int(*int)),
        Body::Bool(yes) => Ok(Value::Bool(*yes)),
        _ => Err(node.error("text, a whole number, `true` or `false` should be here")),
    }
}

fn pattern(node: &Node) -> Result<Regex> {
    let made = regex::RegexBuilder::new(node.text()?)
        .size_limit(1 << 20)
        .build();
    made.map_err(|error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default().trim().to_owned();
        node.error(format!("this is no pattern: {last}"))
    })
}

/// A condition whose columns were found.
pub(super) struct Bound<'c> {
    name: &'c str,
    column: usize,
    tests: Vec<(&'c Test, usize)>,
}

impl<'c> Bound<'c> {
    pub(super) fn holds(&self, row: Row<'_>, now: Stamp) -> Truth<'c> {
        let cell = row.at(self.column);
        let mut truth = Truth::Yes;
        for (test, other) in &self.tests {
            match self.test(test, cell, row.at(*other), now) {
                Truth::Yes => {}
                Truth::No => return Truth::No,
                unknown => truth = unknown,
            }
        }
        truth
    }

    fn test(&self, test: &'c Test, cell: &Value, other: &Value, now: Stamp) -> Truth<'c> {
        let holds = match test {
            Test::Null(yes) => cell.is_null() == *yes,
            Test::Set(yes) => (!cell.is_null() && cell.as_text() != Some("")) == *yes,
            Test::In(values) => values.iter().any(|value| alike(value, cell)),
            Test::NotIn(values) => !values.iter().any(|value| alike(value, cell)),
            Test::Prefix(prefix) => cell.as_text().is_some_and(|text| text.starts_with(prefix)),
            Test::Matches(regex) => cell.as_text().is_some_and(|text| regex.is_match(text)),
            Test::Same(_) => cell == other,
            Test::Differs(_) => cell != other,
            Test::Json(yes) => cell.as_text().is_some_and(|text| is_json(text) == *yes),
            Test::Secret(secrets) => cell
                .as_text()
                .is_some_and(|text| secrets.find(text).is_some()),
            _ => return self.instants(test, cell, other, now),
        };
        if holds { Truth::Yes } else { Truth::No }
    }

    fn instants(&self, test: &'c Test, cell: &Value, other: &Value, now: Stamp) -> Truth<'c> {
        let own = match time(cell, self.name) {
            Ok(own) => own,
            Err(trouble) => return Truth::Unknown(trouble),
        };
        let against = match test.other() {
            None => now,
            Some(name) => match time(other, name) {
                Ok(other) => other,
                Err(trouble) => return Truth::Unknown(trouble),
            },
        };
        let behind = against.since(own);
        // What lies in the future is not young: whoever writes such times would be young for ever.
        if matches!(test, Test::Younger(..)) && behind < -AHEAD {
            return Truth::Unknown(Trouble::Future(self.name));
        }
        let holds = match test {
            Test::Older(_, limit) | Test::Before(_, limit) => behind > *limit,
            Test::Younger(_, limit) => behind <= *limit,
            Test::After(_, limit) => own.since(against) > *limit,
            _ => false,
        };
        if holds { Truth::Yes } else { Truth::No }
    }

    /// The name of the pattern that a cell matches.
    pub(super) fn secret(&self, row: Row<'_>) -> Option<&'static str> {
        let text = row.at(self.column).as_text()?;
        let found = self.tests.iter().find_map(|(test, _)| match test {
            Test::Secret(secrets) => Some(secrets.find(text)),
            _ => None,
        });
        found.flatten()
    }

    /// The cells that it is about, by name.
    pub(super) fn cells<'r>(&self, row: Row<'r>) -> impl Iterator<Item = (&'c str, &'r Value)> {
        let others = self.tests.iter().filter_map(move |(test, index)| {
            let name = test.other()?;
            Some((name, row.at(*index)))
        });
        std::iter::once((self.name, row.at(self.column))).chain(others)
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Databases write the truth as a number, and a column of any kind may hold a number as text.
pub(super) fn alike(value: &Value, cell: &Value) -> bool {
    match (value, cell) {
        (Value::Bool(yes), Value::Int(int)) | (Value::Int(int), Value::Bool(yes)) => {
            *int == i64::from(*yes)
        }
        (Value::Int(int), Value::Text(text)) | (Value::Text(text), Value::Int(int)) => {
            text.parse() == Ok(*int)
        }
        _ => value == cell,
    }
}

/// Which rows are looked at.
#[derive(Default)]
pub(super) struct Filter {
    /// All of these hold …
    all: Vec<Condition>,
    /// … and none of these.
    none: Vec<Condition>,
}

pub(crate) const FILTER: &[Key] = &[
    key("where", Form::Conditions),
    key("exempt", Form::Conditions),
];

/// A filter whose columns were found.
pub(super) struct Sift<'c> {
    all: Vec<Bound<'c>>,
    none: Vec<Bound<'c>>,
}

impl Filter {
    pub(super) fn read(fields: Fields<'_>, facet: &FacetRule) -> Result<Self> {
        Self::of(fields.get("where"), fields.get("exempt"), facet)
    }

    pub(super) fn of(all: Option<&Node>, none: Option<&Node>, facet: &FacetRule) -> Result<Self> {
        Ok(Self {
            all: Condition::several(all, facet)?,
            none: Condition::several(none, facet)?,
        })
    }

    pub(super) fn none(none: Vec<Condition>) -> Self {
        let all = Vec::new();
        Self { all, none }
    }

    pub(super) fn but(mut self, condition: Condition) -> Self {
        self.none.push(condition);
        self
    }

    pub(super) fn bind<'c>(
        &'c self,
        table: &Table,
        facet: &str,
    ) -> std::result::Result<Sift<'c>, Cause> {
        let bind = |conditions: &'c [Condition]| {
            conditions
                .iter()
                .map(|one| one.bind(table, facet))
                .collect::<std::result::Result<Vec<_>, Cause>>()
        };
        Ok(Sift {
            all: bind(&self.all)?,
            none: bind(&self.none)?,
        })
    }
}

impl<'c> Sift<'c> {
    /// Whether the row is looked at. A cell that is missing meets no condition over times, and one that cannot be read exempts from nothing.
    ///
    /// # Errors
    ///
    /// When a cell that decides it cannot be read.
    pub(super) fn takes(&self, row: Row<'_>, now: Stamp) -> std::result::Result<bool, Trouble<'c>> {
        let mut unknown = None;
        for condition in &self.all {
            match condition.holds(row, now) {
                Truth::Yes => {}
                Truth::No | Truth::Unknown(Trouble::Missing(_)) => return Ok(false),
                Truth::Unknown(trouble) => unknown = Some(trouble),
            }
        }
        if self
            .none
            .iter()
            .any(|condition| condition.holds(row, now) == Truth::Yes)
        {
            return Ok(false);
        }
        unknown.map_or(Ok(true), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_are_alike_in_all_their_forms() {
        for (value, cell) in [
            (Value::Int(3), Value::text("3")),
            (Value::text("3"), Value::Int(3)),
            (Value::Bool(true), Value::Int(1)),
        ] {
            assert!(alike(&value, &cell), "{value:?} {cell:?}");
        }
        assert!(!alike(&Value::Int(3), &Value::text("4")));
        assert!(!alike(&Value::Int(0), &Value::Null));
        assert!(!alike(&Value::text("x"), &Value::Int(0)));
    }
}
