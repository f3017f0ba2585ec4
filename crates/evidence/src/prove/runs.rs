//! Changes of how many rows in a row are on one side of a bound.

use super::breaks::{Changes, field, rows};
use super::edit::{Change, Edit, NEW, Steps, render};
use super::trial::Trial;
use super::values::{around, assign, json, near, read};
use crate::engine::{Datum, typed};
use crate::json::Value;
use crate::spec::check::Check;
use crate::spec::operand::{Op, Operand};
use crate::spec::selector::{Path, Selector};

/// How many rows one change adds.
const MOST: usize = 32;

/// A row, where it stands, and where its field does.
struct Row<'t> {
    place: Steps,
    row: Value<'t>,
    field: Steps,
    value: Value<'t>,
}

/// One row that breaks the longest run, or joins two; all rows; more rows; another bound.
pub(super) fn broken(trial: &Trial<'_>, check: &Check) -> Changes {
    let Check::RunLength {
        rows: at,
        field: path,
        op,
        right,
        at_least,
        at_most,
    } = check
    else {
        return Changes::new();
    };
    let Some(bound) = read(right, trial.good) else {
        return Changes::new();
    };
    let all = found(trial, at, path);
    let mut values = Vec::new();
    if at_least.is_some() {
        values.extend(sided(*op, right, &bound, false));
    }
    if at_most.is_some() {
        values.extend(sided(*op, right, &bound, true));
    }
    let mut changes = Changes::new();
    for value in &values {
        let set = |row: &Row<'_>| Edit::set(at.artifact, row.field.clone(), json(value));
        changes.extend(all.iter().rev().take(6).map(|row| vec![set(row)]));
        changes.push(all.iter().map(set).collect());
        let more = at_most.and_then(|most| added(at, &all, value, most + 1));
        changes.extend(more);
    }
    changes.extend(moved(trial, &all, right));
    changes
}

fn found<'t>(trial: &Trial<'t>, at: &Selector, path: &Path) -> Vec<Row<'t>> {
    let row = |(place, row): (Steps, Value<'t>)| {
        let (field, value) = field(&place, row, path)?;
        Some(Row {
            place,
            row,
            field,
            value,
        })
    };
    rows(trial, at).into_iter().filter_map(row).collect()
}

/// Two values on one side of the bound.
fn sided(op: Op, right: &Operand, bound: &Datum<'_>, holds: bool) -> Vec<Datum<'static>> {
    let values = near(right.ty, bound).into_iter();
    let fits = |value: &Datum<'_>| op.holds(value.order(bound)) == holds;
    values.filter(fits).take(2).collect()
}

/// Copies of the last row with that value, behind it.
fn added(at: &Selector, all: &[Row<'_>], value: &Datum<'_>, more: usize) -> Option<Vec<Edit>> {
    let last = all.last().filter(|_| more <= MOST)?;
    let inside = last.field.get(last.place.len()..)?;
    let text = render(last.row, &[(inside, &Change::Set(json(value)))]);
    let holder = last.place.split_last()?.1;
    let insert = |number: usize| {
        let insert = Change::Insert(format!("{NEW}-{number}"), text.clone());
        Edit::Json(at.artifact, holder.to_vec(), insert)
    };
    Some((0..more).map(insert).collect())
}

/// The bound goes to the other side of a row's value.
fn moved(trial: &Trial<'_>, all: &[Row<'_>], right: &Operand) -> Changes {
    let values = all.iter().filter_map(|row| typed(row.value, right.ty).ok());
    let bounds = values.take(2).flat_map(|value| around(right, &value));
    bounds
        .flat_map(|bound| assign(trial, right, &bound))
        .collect()
}
