//! Checks of rows.

use super::super::datum::{Datum, typed};
use super::super::found::{Cite, Failed, Held, show};
use super::super::load::Bundle;
use super::super::operand::{evaluate, wrong_type};
use super::super::select::{many, nothing, one, select, within};
use super::Judged;
use crate::json::Value;
use crate::outcome::FailureKind;
use crate::spec::check::{Bound, Condition};
use crate::spec::operand::Type;
use crate::spec::selector::{Path, Selector};

pub(super) fn row(
    rows: &Selector,
    fields: &[(Path, String, Type)],
    equals: &[Condition],
    bundle: &Bundle,
) -> Judged {
    let row = one(rows, bundle)?;
    for (path, text, ty) in fields {
        let value = field(rows, row, path, text)?;
        let cite = Cite::value(rows.artifact, value);
        typed(value, *ty).map_err(|found| wrong_type(text, value, *ty, found, cite))?;
    }
    for condition in equals {
        let value = field(rows, row, &condition.path, &condition.text)?;
        if !value.same(condition.value.value()) {
            let wanted = condition.value.text();
            let message = format!(
                "{} is {}, wanted {wanted}",
                condition.text,
                show(value.text())
            );
            let cite = Cite::value(rows.artifact, value);
            return Err(Failed::new(FailureKind::NotEqual, message).at(cite));
        }
    }
    Ok(Held::at([Cite::value(rows.artifact, row)]))
}

/// The value of a row at a path.
pub(super) fn field<'b>(
    rows: &Selector,
    row: Value<'b>,
    path: &Path,
    text: &str,
) -> Result<Value<'b>, Failed> {
    let found = within(path, row);
    found.values.first().ok_or_else(|| {
        let message = format!("a row of {rows} has nothing at {text}");
        let cite = Cite::value(rows.artifact, row);
        Failed::new(FailureKind::MissingValue, message).at(cite)
    })
}

pub(super) fn some_row(
    rows: &Selector,
    conditions: &[Condition],
    window: &[Bound],
    bundle: &Bundle,
) -> Judged {
    let found = select(rows, bundle)?;
    if found.is_broken() {
        return Err(nothing(rows, &found));
    }
    let bounds: Vec<(&Bound, Datum<'_>)> = window
        .iter()
        .map(|bound| Ok((bound, evaluate(&bound.than, bundle)?.datum)))
        .collect::<Result<_, Failed>>()?;
    let mut almost = None;
    for row in found.values.iter() {
        match mismatches(row, conditions, &bounds) {
            0 => return Ok(Held::at([Cite::value(rows.artifact, row)])),
            count => almost = nearer(almost, count, row),
        }
    }
    Err(not_attempted(
        rows,
        found.values.len(),
        conditions,
        &bounds,
        almost,
    ))
}

/// How many of the conditions a row does not meet.
fn mismatches(row: Value<'_>, conditions: &[Condition], bounds: &[(&Bound, Datum<'_>)]) -> usize {
    let unmet = conditions.iter().filter(|condition| !meets(row, condition));
    let outside = bounds
        .iter()
        .filter(|(bound, than)| !is_within(row, bound, than));
    unmet.count() + outside.count()
}

fn meets(row: Value<'_>, condition: &Condition) -> bool {
    let found = within(&condition.path, row);
    let value = found.values.first();
    value.is_some_and(|value| value.same(condition.value.value()))
}

fn is_within(row: Value<'_>, bound: &Bound, than: &Datum<'_>) -> bool {
    let found = within(&bound.field, row);
    let value = found
        .values
        .first()
        .and_then(|value| typed(value, Type::Time).ok());
    value.is_some_and(|value| bound.op.holds(value.order(than)))
}

type Nearest<'b> = Option<(usize, Value<'b>)>;

/// The row with the fewest mismatches; of several, the last, which is mostly the youngest.
fn nearer<'b>(almost: Nearest<'b>, count: usize, row: Value<'b>) -> Nearest<'b> {
    almost
        .filter(|(least, _)| *least < count)
        .or(Some((count, row)))
}

fn not_attempted(
    rows: &Selector,
    count: usize,
    conditions: &[Condition],
    bounds: &[(&Bound, Datum<'_>)],
    almost: Nearest<'_>,
) -> Failed {
    let message = format!("none of {count} rows of {rows} shows it");
    let failed = Failed::new(FailureKind::NotAttempted, message);
    let Some((_, row)) = almost else {
        return failed.at(Cite::whole(rows.artifact));
    };
    let unmet = conditions.iter().filter(|condition| !meets(row, condition));
    let mut reasons: Vec<String> = unmet
        .map(|condition| format!("{} is not {}", condition.text, condition.value.text()))
        .collect();
    let outside = bounds
        .iter()
        .filter(|(bound, than)| !is_within(row, bound, than));
    reasons
        .extend(outside.map(|(bound, than)| format!("its time is not {} {than}", bound.op.name())));
    let help = format!("the nearest row: {}", reasons.join(", "));
    failed.at(Cite::value(rows.artifact, row)).help(help)
}

pub(super) fn no_row(
    rows: &Selector,
    conditions: &[Condition],
    least: usize,
    bundle: &Bundle,
) -> Judged {
    let found = many(rows, least, bundle)?;
    for row in found.iter() {
        let mut unwanted = true;
        for condition in conditions {
            let value = field(rows, row, &condition.path, &condition.text)?;
            unwanted &= value.same(condition.value.value());
        }
        if unwanted {
            let shown: Vec<String> = conditions
                .iter()
                .map(|condition| format!("{} {}", condition.text, condition.value.text()))
                .collect();
            let message = format!("a row of {rows} has {}", shown.join(", "));
            let cite = Cite::value(rows.artifact, row);
            return Err(Failed::new(FailureKind::UnwantedRow, message).at(cite));
        }
    }
    Ok(Held::at(
        found.iter().map(|row| Cite::value(rows.artifact, row)),
    ))
}

pub(super) fn row_sum(
    rows: &Selector,
    parts: &Path,
    total: &Path,
    least: usize,
    bundle: &Bundle,
) -> Judged {
    let found = many(rows, least, bundle)?;
    for (number, row) in found.iter().enumerate() {
        let whole = field(rows, row, total, "`total`")?;
        let wanted = unsigned(rows, whole)?;
        let pieces = within(parts, row);
        if pieces.is_broken() {
            let message = format!("row {number} of {rows} has no parts");
            let cite = Cite::value(rows.artifact, row);
            return Err(Failed::new(FailureKind::MissingValue, message).at(cite));
        }
        let mut sum: i128 = 0;
        for piece in pieces.values.into_iter() {
            sum = sum.saturating_add(unsigned(rows, piece)?);
        }
        if sum != wanted {
            let message = format!(
                "row {number} of {rows}: the parts add up to {sum}, and the total is {wanted}"
            );
            let cite = Cite::value(rows.artifact, whole);
            return Err(Failed::new(FailureKind::SumMismatch, message).at(cite));
        }
    }
    Ok(Held::at(
        found.iter().map(|row| Cite::value(rows.artifact, row)),
    ))
}

fn unsigned(rows: &Selector, value: Value<'_>) -> Result<i128, Failed> {
    let cite = Cite::value(rows.artifact, value);
    match typed(value, Type::U64) {
        Ok(Datum::Integer(n)) => Ok(n),
        Ok(_) => Ok(0),
        Err(found) => Err(wrong_type(
            &format!("a number in {rows}"),
            value,
            Type::U64,
            found,
            cite,
        )),
    }
}
