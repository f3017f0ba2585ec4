//! Cells as a shape needs them: there, not there, or not what it should be.

use std::collections::HashMap;

pub(super) use crate::stamp::micros;
use crate::{Cause, CauseKind, Column, Fact, Facts, Kind, Row, Stamp, Table, Value};

/// Why a cell is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble<'a> {
    /// Nothing is stored there.
    Missing(&'a str),
    /// It is not of its kind.
    Malformed(&'a str),
    /// It is a time that has not come yet.
    Future(&'a str),
    /// Two rows say something else.
    Contradicted(&'a str),
}

impl Trouble<'_> {
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Missing(column) => {
                Cause::new(CauseKind::Malformed, format!("`{column}` is missing"))
            }
            Self::Malformed(column) => {
                let detail = format!("`{column}` is not of its kind");
                Cause::new(CauseKind::Malformed, detail)
            }
            Self::Future(column) => {
                let detail = format!("`{column}` is a time that has not come yet");
                Cause::new(CauseKind::Stale, detail)
            }
            Self::Contradicted(column) => {
                let detail = format!("two rows contradict each other in `{column}`");
                Cause::new(CauseKind::Malformed, detail)
            }
        }
    }
}

/// How far an instant of now may lie ahead of the cycle: clocks differ, and readings come after its beginning.
pub(super) const AHEAD: i64 = 60_000_000;

/// How far ahead a lease may end, unless the rules say something else: nobody answers for anything for longer without a word.
pub(super) const LEASE: i64 = 86_400_000_000;

/// The first instant of the year 10000. Whoever writes milliseconds where seconds are read writes a later one, and it would be in the future for ever.
const NEVER: Stamp = Stamp::from_micros(253_402_300_800_000_000);

/// The instant in a cell.
pub(super) fn time<'n>(cell: &Value, name: &'n str) -> Result<Stamp, Trouble<'n>> {
    match cell {
        Value::Time(stamp) if *stamp >= NEVER => Err(Trouble::Future(name)),
        Value::Time(stamp) => Ok(*stamp),
        Value::Null => Err(Trouble::Missing(name)),
        _ => Err(Trouble::Malformed(name)),
    }
}

/// The instant in a cell, which is no further ahead than so much: what is would be young, or fresh, or exempt for ever.
pub(super) fn near<'n>(
    cell: &Value,
    name: &'n str,
    now: Stamp,
    ahead: i64,
) -> Result<Stamp, Trouble<'n>> {
    match time(cell, name) {
        Ok(stamp) if now.since(stamp) < -ahead => Err(Trouble::Future(name)),
        read => read,
    }
}

/// The instant in a cell at which something happened: one that is still to come is none.
pub(super) fn past<'n>(cell: &Value, name: &'n str, now: Stamp) -> Result<Stamp, Trouble<'n>> {
    near(cell, name, now, AHEAD)
}

/// The number in a cell.
pub(super) fn int<'n>(cell: &Value, name: &'n str) -> Result<i64, Trouble<'n>> {
    match cell {
        Value::Int(int) => Ok(*int),
        Value::Null => Err(Trouble::Missing(name)),
        _ => Err(Trouble::Malformed(name)),
    }
}

/// Yes or no, also as the numbers that databases write for it.
pub(super) fn truth<'n>(cell: &Value, name: &'n str) -> Result<bool, Trouble<'n>> {
    match cell {
        Value::Bool(yes) => Ok(*yes),
        Value::Int(int @ 0..=1) => Ok(*int == 1),
        Value::Null => Err(Trouble::Missing(name)),
        Value::Text(text) => match Value::read(Kind::Bool, text) {
            Value::Bool(yes) => Ok(yes),
            _ => Err(Trouble::Malformed(name)),
        },
        _ => Err(Trouble::Malformed(name)),
    }
}

/// A length of time as a fact.
pub(super) fn secs(micros: i64) -> Fact {
    Fact::Secs(micros.div_euclid(1_000_000))
}

/// A cell as a fact: never more than a name's length of it.
pub(super) fn fact(cell: &Value) -> Fact {
    match cell {
        Value::Null => Fact::None,
        Value::Bool(yes) => Fact::id(yes.to_string()),
        Value::Int(int) => Fact::Int(*int),
        Value::Time(stamp) => Fact::Stamp(*stamp),
        Value::Text(text) => Fact::id(text),
    }
}

pub(super) fn facts<const N: usize>(pairs: [(&str, Fact); N]) -> Facts {
    pairs
        .into_iter()
        .map(|(name, fact)| (name.to_owned(), fact))
        .collect()
}

/// What a column holds.
pub(super) fn kind(table: &Table, index: usize) -> Kind {
    table.columns().get(index).map_or(Kind::Any, Column::kind)
}

/// Where a column is in the answer.
pub(super) fn index(table: &Table, facet: &str, column: &str) -> Result<usize, Cause> {
    let none = || {
        let detail = format!("{facet}: the answer has no column `{column}`");
        Cause::new(CauseKind::Garbled, detail)
    };
    table.index(column).ok_or_else(none)
}

/// Whose a row is, and which one: its columns `subject` and `id`. Without the first, each row is a subject of its own; without either, the facet is.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    subject: Option<usize>,
    id: Option<usize>,
    facet: &'a str,
}

/// What stands for a name that is missing.
const NOBODY: &str = "(null)";

impl<'a> Whose<'a> {
    pub(super) fn of(table: &Table, facet: &'a str) -> Self {
        let id = table.index("id");
        let subject = table.index("subject").or(id);
        Self { subject, id, facet }
    }

    pub(super) fn subject(self, row: Row<'a>) -> &'a str {
        name(self.subject, row, self.facet)
    }

    pub(super) fn id(self, row: Row<'a>) -> &'a str {
        name(self.id.or(self.subject), row, self.facet)
    }
}

/// Whether two names are one. The rows of one subject share its name, and then nothing has to be compared.
pub(super) fn same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

fn name<'a>(index: Option<usize>, row: Row<'a>, otherwise: &'a str) -> &'a str {
    match index {
        Some(index) => row.at(index).as_text().unwrap_or(NOBODY),
        None => otherwise,
    }
}

/// A column of another facet, by subject.
pub(super) struct Joined<'a> {
    column: &'a str,
    all: HashMap<&'a str, Told<'a>>,
    // A facet that is no list has one value for everybody.
    single: Option<Told<'a>>,
    last: Option<(&'a str, Told<'a>)>,
}

/// What the rows say of one subject: a value, nothing, or several.
type Told<'a> = Result<Option<&'a Value>, Trouble<'a>>;

impl<'a> Joined<'a> {
    pub(super) fn of(table: &'a Table, facet: &'a str, name: &'a str) -> Result<Self, Cause> {
        let column = index(table, facet, name)?;
        let kind = kind(table, column);
        let whose = Whose::of(table, facet);
        let mut joined = Self {
            column: name,
            all: HashMap::new(),
            single: None,
            last: None,
        };
        for row in table.rows() {
            let told = match row.at(column) {
                value if value.fits(kind) => Ok(Some(value)),
                _ => Err(Trouble::Malformed(name)),
            };
            joined.add(whose, row, told);
        }
        Ok(joined)
    }

    fn add(&mut self, whose: Whose<'a>, row: Row<'a>, told: Told<'a>) {
        let known = match whose.subject {
            None => self.single.get_or_insert(told),
            Some(_) => self.all.entry(whose.subject(row)).or_insert(told),
        };
        // Two rows that contradict each other say nothing, in whichever order they come.
        if *known != told {
            *known = Err(Trouble::Contradicted(self.column));
        }
    }

    /// The value for a subject; none if there is no row for it.
    ///
    /// # Errors
    ///
    /// When two rows contradict each other.
    pub(super) fn get(&mut self, subject: &'a str) -> Told<'a> {
        if let Some((last, value)) = self.last
            && same(last, subject)
        {
            return value;
        }
        let value = match self.single {
            Some(told) => told,
            None => self.all.get(subject).copied().unwrap_or(Ok(None)),
        };
        self.last = Some((subject, value));
        value
    }

    /// The value for a subject; nothing where there is no row for it.
    pub(super) fn cell(&mut self, subject: &'a str) -> Result<&'a Value, Trouble<'a>> {
        Ok(self.get(subject)?.unwrap_or(&Value::Null))
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &'a str> {
        self.all.keys().copied()
    }

    pub(super) fn knows(&self, subject: &str) -> bool {
        self.single.is_some() || self.all.contains_key(subject)
    }
}
