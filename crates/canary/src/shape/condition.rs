//! Conditions over the columns of a row.

use std::borrow::Cow;
use std::time::Duration;

use regex::Regex;

use super::cell::{AHEAD, LEASE, Trouble, kind, micros, near, time};
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
    /// No further in the future than so much.
    Ahead(i64),
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
    key("ahead", Form::Duration),
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

impl Truth<'_> {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
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
                let test = Test::read(&entry.key, &entry.node, fields, facet)?;
                possible(&test, &entry.node, (&name, facet))?;
                tests.push(test);
            }
        }
        let aged = |test: &Test| matches!(test, Test::Older(..) | Test::Younger(..));
        if let Some(at) = fields.get("at").filter(|_| !tests.iter().any(aged)) {
            return Err(at.error("`at` says when something is `older_than` or `younger_than`"));
        }
        if tests.iter().any(Test::of_times) {
            need_column(column, facet, &name, Some(Kind::Time))?;
        }
        let asks = |test: fn(&Test) -> bool| tests.iter().any(test);
        if asks(|test| matches!(test, Test::Null(true)))
            && asks(|test| matches!(test, Test::Null(false) | Test::Set(true)))
        {
            return Err(node.error("nothing is null and is not: this condition never holds"));
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

    /// That the column says that somebody else answers for the row: what is empty, or a lease that ends beyond all measure, does not.
    pub(super) fn held(column: &str, facet: &FacetRule) -> Self {
        let mut tests = vec![Test::Set(true)];
        if facet.kind(column) == Some(Kind::Time) {
            tests.push(Test::Ahead(LEASE));
        }
        Self {
            column: column.to_owned(),
            tests,
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
        let other = |test: &'c Test| {
            let other = test.other().map(index).transpose()?.unwrap_or(column);
            Ok((test, other, kind(table, other)))
        };
        let tests: std::result::Result<Vec<_>, Cause> = self.tests.iter().map(other).collect();
        Ok(Bound {
            name: &self.column,
            kind: kind(table, column),
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
            "ahead" => Self::Ahead(length()?),
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
            Self::Older(..)
                | Self::Younger(..)
                | Self::Before(..)
                | Self::After(..)
                | Self::Ahead(_)
        )
    }

    fn of_text(&self) -> bool {
        matches!(
            self,
            Self::Prefix(_) | Self::Matches(_) | Self::Json(_) | Self::Secret(_)
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

/// Refuses what can never hold, or always does.
fn possible(test: &Test, node: &Node, (name, facet): (&str, &FacetRule)) -> Result {
    if test.of_text() {
        need_column(node, facet, name, Some(Kind::Text))?;
    }
    if let Test::In(values) | Test::NotIn(values) = test {
        if values.is_empty() {
            return Err(node.error("this list is empty: say what the column may be"));
        }
        let kind = facet.kind(name).unwrap_or(Kind::Any);
        for (value, node) in values.iter().zip(node.several()) {
            comparable(value, kind, node)?;
        }
    }
    if let Test::Same(other) | Test::Differs(other) = test
        && other == name
    {
        return Err(node.error(format!("`{name}` is always the same as itself")));
    }
    Ok(())
}

/// Refuses a value that no cell of that kind can be.
pub(super) fn comparable(value: &Value, kind: Kind, node: &Node) -> Result {
    let read = match value {
        Value::Text(text) => Value::read(kind, text),
        other => other.clone(),
    };
    match read.fits(kind) {
        true => Ok(()),
        false => Err(node.error("no value of this column can be that")),
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
    kind: Kind,
    /// Each with the other column that it asks for, or its own.
    tests: Vec<(&'c Test, usize, Kind)>,
}

impl<'c> Bound<'c> {
    pub(super) fn holds(&self, row: Row<'_>, now: Stamp) -> Truth<'c> {
        let cell = row.at(self.column);
        let mut truth = Truth::Yes;
        for (test, other, kind) in &self.tests {
            match self.test(test, cell, (row.at(*other), *kind), now) {
                Truth::Yes => {}
                Truth::No => return Truth::No,
                unknown => truth = unknown,
            }
        }
        truth
    }

    fn test(
        &self,
        test: &'c Test,
        cell: &Value,
        (other, kind): (&Value, Kind),
        now: Stamp,
    ) -> Truth<'c> {
        // That nothing is there can be told of any column; what is there has to be of its kind.
        let empty = cell.is_null() || cell.as_text() == Some("");
        match test {
            Test::Set(yes) if empty => return Truth::of(!yes),
            _ if !cell.fits(self.kind) => return Truth::Unknown(Trouble::Malformed(self.name)),
            _ => {}
        }
        let text =
            |holds: &dyn Fn(&str) -> bool| Truth::of(text(cell).is_some_and(|it| holds(&it)));
        match test {
            Test::Null(yes) => Truth::of(cell.is_null() == *yes),
            Test::Set(yes) => Truth::of(*yes),
            Test::In(values) => self.among(values, cell),
            Test::NotIn(values) => match self.among(values, cell) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                unknown => unknown,
            },
            Test::Prefix(prefix) => text(&|text| text.starts_with(prefix)),
            Test::Matches(regex) => text(&|text| regex.is_match(text)),
            Test::Json(yes) => text(&|text| is_json(text) == *yes),
            Test::Secret(secrets) => text(&|text| secrets.find(text).is_some()),
            Test::Same(name) | Test::Differs(name) => {
                let same = matches!(test, Test::Same(_));
                match alike(cell, other).filter(|_| other.fits(kind)) {
                    Some(alike) => Truth::of(alike == same),
                    None => Truth::Unknown(Trouble::Malformed(name)),
                }
            }
            _ => self.instants(test, cell, other, now),
        }
    }

    /// Whether it is one of them; unknown if it is none of those that it can be compared with, and there are others.
    fn among(&self, values: &[Value], cell: &Value) -> Truth<'c> {
        let mut truth = Truth::No;
        for value in values {
            match alike(value, cell) {
                Some(true) => return Truth::Yes,
                Some(false) => {}
                None => truth = Truth::Unknown(Trouble::Malformed(self.name)),
            }
        }
        truth
    }

    fn instants(&self, test: &'c Test, cell: &Value, other: &Value, now: Stamp) -> Truth<'c> {
        let against = match test.other() {
            None => now,
            Some(name) => match time(other, name) {
                Ok(other) => other,
                Err(trouble) => return Truth::Unknown(trouble),
            },
        };
        let own = match test {
            // What lies in the future has no age: whoever writes such times would be young for ever.
            Test::Older(..) | Test::Younger(..) => near(cell, self.name, against, AHEAD),
            Test::Ahead(limit) => near(cell, self.name, now, *limit),
            _ => time(cell, self.name),
        };
        let own = match own {
            Ok(own) => own,
            Err(trouble) => return Truth::Unknown(trouble),
        };
        let behind = against.since(own);
        let holds = match test {
            Test::Older(_, limit) | Test::Before(_, limit) => behind > *limit,
            Test::Younger(_, limit) => behind <= *limit,
            Test::After(_, limit) => own.since(against) > *limit,
            _ => true,
        };
        Truth::of(holds)
    }

    /// The name of the pattern that a cell matches.
    pub(super) fn secret(&self, row: Row<'_>) -> Option<&'static str> {
        let text = text(row.at(self.column))?;
        let found = self.tests.iter().find_map(|(test, ..)| match test {
            Test::Secret(secrets) => Some(secrets.find(&text)),
            _ => None,
        });
        found.flatten()
    }

    /// The cells that it is about, by name.
    pub(super) fn cells<'r>(&self, row: Row<'r>) -> impl Iterator<Item = (&'c str, &'r Value)> {
        let others = self.tests.iter().filter_map(move |(test, index, _)| {
            let name = test.other()?;
            Some((name, row.at(*index)))
        });
        std::iter::once((self.name, row.at(self.column))).chain(others)
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What is in a cell, as text; none if nothing is.
fn text(cell: &Value) -> Option<Cow<'_, str>> {
    Some(match cell {
        Value::Null => return None,
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(yes) => yes.to_string().into(),
        Value::Int(int) => int.to_string().into(),
        Value::Time(stamp) => stamp.to_string().into(),
    })
}

/// Whether two values are one; none if they cannot be compared. Databases write the truth as a number, and a column of any kind may hold a number as text.
pub(super) fn alike(one: &Value, other: &Value) -> Option<bool> {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => Some(one == other),
        (Value::Text(text), cell) | (cell, Value::Text(text)) => written(text, cell),
        (Value::Bool(yes), Value::Int(int)) | (Value::Int(int), Value::Bool(yes)) => {
            matches!(int, 0..=1).then_some(*int == i64::from(*yes))
        }
        (Value::Time(_), Value::Time(_))
        | (Value::Int(_), Value::Int(_))
        | (Value::Bool(_), Value::Bool(_)) => Some(one == other),
        _ => None,
    }
}

/// Whether a text says what a cell of another kind does.
fn written(text: &str, cell: &Value) -> Option<bool> {
    let kind = match cell {
        Value::Int(_) => Kind::Int,
        Value::Bool(_) => Kind::Bool,
        Value::Time(_) => Kind::Time,
        _ => return Some(cell.as_text() == Some(text)),
    };
    match (Value::read(kind, text), kind) {
        // A word is no number. A number that is no whole one may have been meant for it.
        (Value::Text(text), Kind::Int) => text.trim().parse::<f64>().is_err().then_some(false),
        (Value::Text(_), _) => None,
        (read, _) => Some(read == *cell),
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
            assert_eq!(alike(&value, &cell), Some(true), "{value:?} {cell:?}");
        }
        for (value, cell) in [
            (Value::Int(3), Value::text("4")),
            (Value::Int(0), Value::Null),
            (Value::text("x"), Value::Int(0)),
            (Value::Bool(true), Value::text("False")),
        ] {
            assert_eq!(alike(&value, &cell), Some(false), "{value:?} {cell:?}");
        }
        for (value, cell) in [
            (Value::Int(5), Value::text("5.0")),
            (Value::Int(5), Value::text("NaN")),
            (Value::Int(5), Value::text("1e300")),
            (Value::Bool(true), Value::text("yes")),
            (Value::Bool(true), Value::Int(7)),
        ] {
            assert_eq!(alike(&value, &cell), None, "{value:?} {cell:?}");
            assert_eq!(alike(&cell, &value), None, "{value:?} {cell:?}");
        }
    }
}
