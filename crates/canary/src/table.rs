use serde::{Deserialize, Serialize};

use crate::{Kind, Value};

/// A column of a [`Table`]: its name and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    name: String,
    kind: Kind,
}

impl Column {
    /// A column of that name and kind.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        let name = name.into();
        Self { name, kind }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// Rows with the same columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    // Row after row, in one piece: a hundred thousand rows are one allocation.
    cells: Vec<Value>,
}

/// One row of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    cells: &'a [Value],
}

impl Table {
    /// No rows yet, of these columns; at least one.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        let columns = columns.into();
        let cells = Vec::new();
        Self { columns, cells }
    }

    /// Adds a row. One with fewer cells than columns is filled with nulls, one with more is cut. A text that stands right above as
    /// well, as the subject of many elements does, is kept once.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        let width = self.columns.len();
        let filled = row.into_iter().chain(std::iter::repeat(Value::Null));
        self.cells.reserve(width);
        for cell in filled.take(width) {
            let above = self.cells.len().checked_sub(width);
            let cell = match above.and_then(|above| self.cells.get(above)) {
                Some(above) if *above == cell => above.clone(),
                _ => cell,
            };
            self.cells.push(cell);
        }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Where the column of that name is.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The rows, in the order in which the source gave them.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> + Clone {
        let width = self.columns.len().max(1);
        self.cells.chunks_exact(width).map(|cells| Row { cells })
    }

    /// The row of that number.
    pub(crate) fn row(&self, number: usize) -> Option<Row<'_>> {
        let width = self.columns.len().max(1);
        let begin = number.checked_mul(width)?;
        let cells = self.cells.get(begin..begin.checked_add(width)?)?;
        Some(Row { cells })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.len() / self.columns.len().max(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

impl<'a> Row<'a> {
    /// The cell at an index that [`Table::index`] gave; null beyond the last.
    pub fn at(&self, index: usize) -> &'a Value {
        self.cells.get(index).unwrap_or(&Value::Null)
    }

    /// All cells.
    pub fn cells(&self) -> &'a [Value] {
        self.cells
    }
}
