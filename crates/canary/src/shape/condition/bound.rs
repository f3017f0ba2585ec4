//! A condition over the rows of an answer.

use std::borrow::Cow;

use super::{Condition, Test};
use crate::shape::alike::alike;
use crate::shape::cell::{self, AHEAD, Trouble, kind, near, time};
use crate::{Cause, Kind, Row, Stamp, Table, Value};

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shape) enum Truth<'c> {
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
    /// Finds its columns in an answer.
    pub(in crate::shape) fn bind<'c>(
        &'c self,
        table: &Table,
        facet: &str,
    ) -> Result<Bound<'c>, Cause> {
        let index = |column: &str| cell::index(table, facet, column);
        let column = index(&self.column)?;
        let other = |test: &'c Test| {
            let other = test.other().map(index).transpose()?.unwrap_or(column);
            Ok((test, other, kind(table, other)))
        };
        let tests: Result<Vec<_>, Cause> = self.tests.iter().map(other).collect();
        Ok(Bound {
            name: &self.column,
            kind: kind(table, column),
            column,
            tests: tests?,
        })
    }
}

/// A condition whose columns were found.
pub(in crate::shape) struct Bound<'c> {
    name: &'c str,
    column: usize,
    kind: Kind,
    /// Each with the other column that it asks for, or its own.
    tests: Vec<(&'c Test, usize, Kind)>,
}

impl<'c> Bound<'c> {
    pub(in crate::shape) fn holds(&self, row: Row<'_>, now: Stamp) -> Truth<'c> {
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
    pub(in crate::shape) fn secret(&self, row: Row<'_>) -> Option<&'static str> {
        let text = text(row.at(self.column))?;
        let found = self.tests.iter().find_map(|(test, ..)| match test {
            Test::Secret(secrets) => Some(secrets.find(&text)),
            _ => None,
        });
        found.flatten()
    }

    /// The cells that it is about, by name.
    pub(in crate::shape) fn cells<'r>(
        &self,
        row: Row<'r>,
    ) -> impl Iterator<Item = (&'c str, &'r Value)> {
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
