//! Answers become rows, gaps, and a reading.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use runward_canary::{Ask, Cause, CauseKind, Reading, Stamp, Table, Value};

use crate::bound::Binding;
use crate::cell::{Cell, filled};
use crate::facet::{Facet, Form, Origin};

/// The rows of one facet together, whoever they are of: what is stored of them, in bytes.
const ROOM: usize = 512 << 20;

/// The rows of one facet, as they come in.
pub(crate) struct Rows<'a> {
    facet: &'a Facet,
    table: Table,
    /// The row that is being made; kept for its room.
    row: Vec<Value>,
    gaps: BTreeMap<String, Cause>,
    only: Option<&'a BTreeSet<String>>,
    /// Where each column is in the answer; none if its names are not known yet.
    places: Option<Vec<usize>>,
    subject: Option<usize>,
    time: Option<(Stamp, Stamp)>,
    /// How many more bytes may be stored.
    room: usize,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(facet: &'a Facet, ask: &'a Ask, gaps: BTreeMap<String, Cause>) -> Self {
        let mut rows = Self {
            facet,
            table: Table::new(facet.columns.clone()),
            row: Vec::new(),
            gaps,
            only: ask.only.as_ref(),
            places: None,
            subject: facet
                .columns
                .iter()
                .position(|column| column.name() == "subject"),
            time: None,
            room: ROOM,
        };
        // Names that are known before the answer have been checked.
        let _ = rows.name(&facet.fields);
        rows
    }

    /// Says what the fields of the answer are called.
    ///
    /// # Errors
    ///
    /// When a column has no field.
    pub(crate) fn name<S: AsRef<str>>(&mut self, fields: &[S]) -> Result<(), Cause> {
        let place = |origin: &Origin| match origin {
            Origin::At(place) => Ok(*place),
            Origin::Named(name) => find(fields, name),
            _ => Ok(0),
        };
        self.places = Some(
            self.facet
                .origins
                .iter()
                .map(place)
                .collect::<Result<_, _>>()?,
        );
        Ok(())
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// When it has too few fields, or there is no room for it.
    pub(crate) fn push(
        &mut self,
        cells: &[Cell<'_>],
        binding: &Binding<'_>,
        read: Stamp,
    ) -> Result<(), Cause> {
        let places = self.places.as_deref().unwrap_or_default();
        let columns = self
            .facet
            .columns
            .iter()
            .zip(&self.facet.origins)
            .zip(places);
        let value = |((column, origin), place): ((&runward_canary::Column, &Origin), &usize)| {
            Ok(match origin {
                Origin::Subject => bound(binding, "subject"),
                Origin::Bound(name) => bound(binding, name),
                Origin::ReadAt => Value::Time(read),
                Origin::Named(_) | Origin::At(_) => {
                    let cell = cells
                        .get(*place)
                        .ok_or_else(|| short(column.name(), *place))?;
                    cell.value(column.kind())
                }
            })
        };
        let mut row = std::mem::take(&mut self.row);
        for one in columns.map(value) {
            row.push(one?);
        }
        if self.is_wanted(&row) {
            let taken = row.iter().map(weight).sum();
            self.room = self
                .room
                .checked_sub(taken)
                .ok_or_else(|| garbled("the answers are larger than anything that was meant"))?;
            self.table.push(row.drain(..));
        }
        row.clear();
        self.row = row;
        Ok(())
    }

    fn is_wanted(&self, row: &[Value]) -> bool {
        let (Some(only), Some(subject)) = (self.only, self.subject) else {
            return true;
        };
        let text = row.get(subject).and_then(filled);
        text.is_some_and(|text| only.contains(text.as_ref()))
    }

    /// Adds what is one value: a count or an instant. Nothing found is an instant that is null, and no count.
    ///
    /// # Errors
    ///
    /// When it is no number where a count was asked for.
    pub(crate) fn push_single(
        &mut self,
        cell: Option<Cell<'_>>,
        binding: &Binding<'_>,
        read: Stamp,
    ) -> Result<(), Cause> {
        let cell = match (self.facet.form, cell) {
            (Form::Count, Some(Cell::Int(int))) => Cell::Int(int),
            (Form::Count, Some(Cell::Text(text))) if text.parse::<i64>().is_ok() => {
                Cell::Text(text)
            }
            (Form::Count, _) => return Err(garbled("the answer is no count")),
            (_, None) => Cell::Null,
            (_, Some(cell)) => cell,
        };
        self.push(&[cell], binding, read)
    }

    /// Whether one value is asked for, and no rows.
    pub(crate) fn is_single(&self) -> bool {
        self.facet.form != Form::Rows
    }

    pub(crate) fn form(&self) -> Form {
        self.facet.form
    }

    /// Somebody who could not be read.
    pub(crate) fn gap(&mut self, subject: &str, cause: Cause) {
        self.gaps.insert(subject.to_owned(), cause);
    }

    /// Part of it was read from then till then.
    pub(crate) fn during(&mut self, begun: Stamp, ended: Stamp) {
        let (first, last) = self.time.unwrap_or((begun, ended));
        self.time = Some((first.min(begun), last.max(ended)));
    }

    /// The reading; `asked` and `now` are its times if nothing had to be asked.
    pub(crate) fn finish(self, asked: Stamp, now: Stamp, watermark: Option<String>) -> Reading {
        let (begun, ended) = self.time.unwrap_or((asked, now));
        // Somebody of whom not all was read is not half there.
        let table = match self.subject.filter(|_| !self.gaps.is_empty()) {
            Some(subject) => without(&self.table, subject, &self.gaps),
            None => self.table,
        };
        let mut reading = Reading::ok(table, begun, ended);
        for (subject, cause) in self.gaps {
            reading = reading.with_gap(subject, cause);
        }
        match watermark {
            Some(watermark) => reading.with_watermark(watermark),
            None => reading,
        }
    }
}

fn weight(value: &Value) -> usize {
    size_of::<Value>() + value.as_text().map_or(0, str::len)
}

fn without(table: &Table, subject: usize, gaps: &BTreeMap<String, Cause>) -> Table {
    let mut kept = Table::new(table.columns());
    for row in table.rows() {
        let gone = filled(row.at(subject)).is_some_and(|text| gaps.contains_key(text.as_ref()));
        if !gone {
            kept.push(row.cells().iter().cloned());
        }
    }
    kept
}

fn bound(binding: &Binding<'_>, column: &str) -> Value {
    binding
        .value(column)
        .map(Cow::into_owned)
        .unwrap_or_default()
}

fn find<S: AsRef<str>>(fields: &[S], name: &str) -> Result<usize, Cause> {
    let found = fields.iter().position(|field| field.as_ref() == name);
    found.ok_or_else(|| {
        let fields: Vec<_> = fields.iter().map(AsRef::as_ref).collect();
        let all = fields.join(", ");
        garbled(format!("the answer has no {name}; it has {all}"))
    })
}

fn short(column: &str, place: usize) -> Cause {
    garbled(format!(
        "an answer has no field {place}, which is to be {column}"
    ))
}

/// What came is not what was asked for.
pub(crate) fn garbled(why: impl AsRef<str>) -> Cause {
    Cause::new(CauseKind::Garbled, why)
}

#[cfg(test)]
mod tests {
    use runward_canary::{Column, Kind, Settings};

    use super::*;
    use crate::facet::Shape;

    #[test]
    fn what_has_no_room_is_no_row_and_no_silence() {
        let ask = Ask {
            facet: "jobs".into(),
            columns: vec![Column::new("id", Kind::Text)],
            settings: Settings::new(),
            only: None,
        };
        let shape = Shape {
            fields: &["id"],
            ..Shape::default()
        };
        let (facet, _) = Facet::of(&ask, &shape).unwrap();
        let mut rows = Rows::new(&facet, &ask, BTreeMap::new());
        let (nobody, now) = (Binding::default(), Stamp::from_micros(0));
        rows.room = size_of::<Value>() + 3;
        assert!(rows.push(&[Cell::text("four")], &nobody, now).is_err());
        assert!(rows.push(&[Cell::text("two")], &nobody, now).is_ok());
        assert!(rows.push(&[Cell::Null], &nobody, now).is_err());
    }
}
