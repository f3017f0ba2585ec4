//! Conditions over the columns of a row, as they are read.

mod bound;

use std::time::Duration;

use regex::Regex;

use super::cell::{LEASE, micros};
use super::facet::need_column;
use crate::rules::FacetRule;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Body, Node, Result};
use crate::secret::Secrets;
use crate::{Kind, Value};

pub(super) use bound::{Bound, Truth};

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

    /// The column that it asks for beside its own.
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
