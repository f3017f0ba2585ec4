//! Answers in JSON: objects with names, arrays with places, one document or one a line.

use runward_canary::{Cause, Stamp};
use serde_json::Value as Json;

use crate::bound::Binding;
use crate::cell::Cell;
use crate::facet::{Facet, Form};
use crate::rows::{Rows, garbled};

/// Reads a document, or a document a line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, Cause> {
    if let Ok(whole) = serde_json::from_slice(bytes) {
        return Ok(whole);
    }
    let lines = serde_json::Deserializer::from_slice(bytes).into_iter();
    let lines: Vec<Json> = lines
        .collect::<Result<_, _>>()
        // The library's words have a place in them, and nothing of the text.
        .map_err(|error| {
            garbled(format!(
                "the answer is no JSON: line {} column {}",
                error.line(),
                error.column()
            ))
        })?;
    match lines.is_empty() {
        true => Err(garbled("the answer is empty; nothing found is []")),
        false => Ok(Json::Array(lines)),
    }
}

/// Adds what a document has: rows, or the one value that was asked for.
pub(crate) fn push(
    document: &Json,
    facet: &Facet,
    binding: &Binding<'_>,
    rows: &mut Rows<'_>,
    read: Stamp,
) -> Result<(), Cause> {
    match (facet.form, document) {
        (Form::Count, Json::Array(all)) => {
            let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
            rows.push_single(Some(Cell::Int(count)), binding, read)
        }
        (Form::Stamp, Json::Array(_)) => Err(garbled("a list came where one value was asked for")),
        (Form::Stamp | Form::Count, one) => rows.push_single(Some(cell(one)), binding, read),
        (Form::Rows, Json::Array(all)) => all
            .iter()
            .try_for_each(|one| row(one, facet, binding, rows, read)),
        (Form::Rows, object @ Json::Object(_)) => row(object, facet, binding, rows, read),
        (Form::Rows, _) => Err(garbled("the answer has no rows")),
    }
}

fn row(
    one: &Json,
    facet: &Facet,
    binding: &Binding<'_>,
    rows: &mut Rows<'_>,
    read: Stamp,
) -> Result<(), Cause> {
    match one {
        Json::Object(fields) => {
            let wanted = facet.wanted();
            let field = |name: &String| {
                let found = fields.get(name).map(cell);
                found.ok_or_else(|| garbled(format!("a row has no {name}")))
            };
            let cells: Vec<_> = wanted.iter().map(field).collect::<Result<_, _>>()?;
            rows.name(&wanted)?;
            rows.push(&cells, binding, read)
        }
        // Places were made for rows without names.
        Json::Array(cells) => {
            let cells: Vec<_> = cells.iter().map(cell).collect();
            places(facet, rows)?;
            rows.push(&cells, binding, read)
        }
        single => {
            places(facet, rows)?;
            rows.push(&[cell(single)], binding, read)
        }
    }
}

fn places(facet: &Facet, rows: &mut Rows<'_>) -> Result<(), Cause> {
    let missing = |_| garbled("a row has places and no names; say by `fields` what they are");
    rows.name(&facet.fields).map_err(missing)
}

fn cell(value: &Json) -> Cell<'_> {
    match value {
        Json::Null => Cell::Null,
        Json::Bool(bool) => Cell::Bool(*bool),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Cell::text(number.to_string()), Cell::Int),
        Json::String(text) => Cell::text(text.as_str()),
        other => Cell::text(other.to_string()),
    }
}
