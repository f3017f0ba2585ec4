//! Checks of values in a row.

use std::cmp::Ordering;

use super::super::datum::{Datum, typed};
use super::super::found::{Cite, Failed, Held, WITNESSES, show};
use super::super::load::Bundle;
use super::super::operand::{Reading, evaluate, readings, wrong_type};
use super::super::select::many;
use super::Judged;
use super::rows::field;
use crate::outcome::FailureKind;
use crate::spec::check::{Check, Series, Trend};
use crate::spec::selector::Selector;

pub(super) fn trend(trend: Trend, series: &Series, bundle: &Bundle) -> Judged {
    match series {
        Series::Operands(operands) => {
            // Each has to be something before two are compared.
            let all: Vec<_> = operands
                .iter()
                .map(|operand| evaluate(operand, bundle))
                .collect::<Result<_, _>>()?;
            steady(trend, all.into_iter().map(Ok))
        }
        Series::Values(at, ty) => {
            for reading in readings(at, *ty, 2, bundle)? {
                reading?;
            }
            steady(trend, readings(at, *ty, 2, bundle)?)
        }
    }
}

fn steady<'b>(trend: Trend, series: impl Iterator<Item = Result<Reading<'b>, Failed>>) -> Judged {
    let mut before: Option<Reading<'b>> = None;
    let mut cites = Vec::new();
    for (number, after) in series.enumerate() {
        let after = after?;
        if let Some(before) = &before {
            broken(trend, before, &after, number)?;
        }
        cites.extend(after.cite.filter(|_| number < WITNESSES));
        before = Some(after);
    }
    Ok(Held::at(cites))
}

fn broken(
    trend: Trend,
    before: &Reading<'_>,
    after: &Reading<'_>,
    number: usize,
) -> Result<(), Failed> {
    if follows(trend, &before.datum, &after.datum) {
        return Ok(());
    }
    let (kind, wanted) = match trend {
        Trend::Flat => (FailureKind::NotFlat, "the same".to_owned()),
        Trend::Increasing => (FailureKind::NotIncreasing, "more".to_owned()),
        Trend::Monotonic => (FailureKind::NotMonotonic, "no less".to_owned()),
        Trend::Interval(min, max) => (FailureKind::BadInterval, format!("{min} to {max} more")),
    };
    let message = format!(
        "value {} of the series is {}, behind {}: wanted {wanted}",
        number + 1,
        after.datum,
        before.datum
    );
    Err(Failed::new(kind, message).maybe_at(after.cite))
}

fn follows(trend: Trend, before: &Datum<'_>, after: &Datum<'_>) -> bool {
    let order = before.order(after);
    match trend {
        Trend::Flat => order == Ordering::Equal,
        Trend::Increasing => order == Ordering::Less,
        Trend::Monotonic => order != Ordering::Greater,
        Trend::Interval(min, max) => {
            let apart = after.after(before);
            apart.is_some_and(|apart| min <= apart && apart <= max)
        }
    }
}

pub(super) fn run_length(check: &Check, bundle: &Bundle) -> Judged {
    let Check::RunLength {
        rows,
        field: path,
        op,
        right,
        at_least,
        at_most,
    } = check
    else {
        return Ok(Held::default());
    };
    let bound = evaluate(right, bundle)?.datum;
    let mut longest = Run::default();
    let mut run = 0;
    for row in many(rows, 1, bundle)?.into_iter() {
        let value = field(rows, row, path, "`field`")?;
        let cite = Cite::value(rows.artifact, value);
        let datum = typed(value, right.ty)
            .map_err(|found| wrong_type("`field`", value, right.ty, found, cite))?;
        run = if op.holds(datum.order(&bound)) {
            run + 1
        } else {
            0
        };
        longest.note(run, cite);
    }
    let few = at_least.filter(|least| longest.length < *least);
    let many = at_most.filter(|most| longest.length > *most);
    let wanted = match (few, many) {
        (Some(least), _) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => return Ok(Held::at(longest.end)),
    };
    let (length, op) = (longest.length, op.name());
    let message = format!("{length} rows of {rows} in a row are {op} {bound}, wanted {wanted}");
    Err(Failed::new(FailureKind::RunLength, message).maybe_at(longest.end))
}

/// The longest run of rows, and its last row; without any, the first row.
#[derive(Default)]
struct Run {
    length: usize,
    end: Option<Cite>,
}

impl Run {
    fn note(&mut self, length: usize, cite: Cite) {
        if length > self.length || self.end.is_none() {
            let end = Some(cite);
            *self = Self { length, end };
        }
    }
}

pub(super) fn group(check: &Check, bundle: &Bundle) -> Judged {
    let Check::Group {
        rows,
        by,
        sum,
        op,
        right,
    } = check
    else {
        return Ok(Held::default());
    };
    let bound = evaluate(right, bundle)?.datum;
    // In the order of their first rows, so that the first failure is always the same.
    let mut groups: Vec<(String, i128, Cite)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in many(rows, 1, bundle)?.into_iter() {
        let key = field(rows, row, by, "`by`")?.text().to_owned();
        let (amount, cite) = amount(rows, field(rows, row, sum, "`sum`")?, right.ty)?;
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, 0, cite));
            groups.len() - 1
        });
        groups[place].1 = groups[place].1.saturating_add(amount);
    }
    for (key, total, cite) in &groups {
        if !op.holds(Datum::Integer(*total).order(&bound)) {
            let message = format!(
                "the group {} of {rows} has {total}, wanted {} {bound}",
                show(key),
                op.name()
            );
            return Err(Failed::new(FailureKind::Compare, message).at(*cite));
        }
    }
    Ok(Held::at(groups.iter().map(|(_, _, cite)| *cite)))
}

fn amount(
    rows: &Selector,
    value: crate::json::Value<'_>,
    ty: crate::spec::operand::Type,
) -> Result<(i128, Cite), Failed> {
    let cite = Cite::value(rows.artifact, value);
    match typed(value, ty) {
        Ok(Datum::Integer(n)) => Ok((n, cite)),
        Ok(_) => Ok((0, cite)),
        Err(found) => Err(wrong_type("`sum`", value, ty, found, cite)),
    }
}
