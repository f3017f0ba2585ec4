//! Changes of how a series goes on.

use super::breaks::{Changes, rows, values};
use super::edit::{Edit, Steps};
use super::trial::Trial;
use super::values::{around, assign, back, json, others, read};
use crate::engine::{Datum, typed};
use crate::json::Value;
use crate::spec::check::{Series, Trend};
use crate::spec::operand::{Operand, Type};
use crate::spec::selector::Selector;

pub(super) fn broken(trial: &Trial<'_>, trend: Trend, series: &Series) -> Changes {
    match series {
        Series::Operands(operands) => compared(trial, trend, operands),
        Series::Values(at, ty) => listed(trial, trend, at, *ty),
    }
}

fn compared(trial: &Trial<'_>, trend: Trend, operands: &[Operand]) -> Changes {
    let mut changes = Changes::new();
    for pair in operands.windows(2) {
        for (operand, other) in [(&pair[1], &pair[0]), (&pair[0], &pair[1])] {
            let Some(bound) = read(other, trial.good) else {
                continue;
            };
            if let Datum::Any(_) = bound {
                let at = operand.selector();
                changes.extend(at.map(|at| values(trial, at)).unwrap_or_default());
            }
            let away = away(trend, &bound);
            let away = away.iter().filter_map(|value| back(operand, value));
            for value in away.chain(around(operand, &bound)) {
                changes.extend(assign(trial, operand, &value));
            }
        }
    }
    changes
}

/// How far apart two values may lie that change places.
const REACH: usize = 8;

/// Neighbours are too far apart or too near, become one, or change places; so do two that lie further apart, which may be of one set in another rule.
fn listed(trial: &Trial<'_>, trend: Trend, at: &Selector, ty: Type) -> Changes {
    let rows = rows(trial, at);
    let set = |place: &Steps, json: String| Edit::set(at.artifact, place.clone(), json);
    let mut changes = Changes::new();
    // What is last has one neighbour, so that it changes one step alone.
    for pair in rows.windows(2).rev().take(4) {
        let [(a, x), (b, y)] = pair else {
            continue;
        };
        let away = typed(*x, ty).map(|before| away(trend, &before));
        let away = away.iter().flatten().map(json);
        let copied = [x.text().to_owned()];
        let alone = away.chain(copied).chain(others(*y));
        changes.extend(alone.map(|json| vec![set(b, json)]));
        changes.push(swapped((a, *x), (b, *y), at));
    }
    if let Some(((b, y), before)) = rows.split_last() {
        let further = before.iter().rev().skip(1).take(REACH);
        changes.extend(further.map(|(a, x)| swapped((a, *x), (b, *y), at)));
    }
    changes
}

fn swapped((a, x): (&Steps, Value<'_>), (b, y): (&Steps, Value<'_>), at: &Selector) -> Vec<Edit> {
    vec![
        Edit::set(at.artifact, a.clone(), y.text()),
        Edit::set(at.artifact, b.clone(), x.text()),
    ]
}

/// Where no neighbour of that value may be: beyond both ends of an interval, on either side.
fn away(trend: Trend, bound: &Datum<'_>) -> Vec<Datum<'static>> {
    let Trend::Interval(min, max) = trend else {
        return Vec::new();
    };
    let steps = [beyond(max), beyond(min.abs()), beyond(-min)];
    let both = steps.into_iter().flat_map(|step| [step, -step]);
    both.filter_map(|step| plus(bound, step)).collect()
}

/// A step that is longer, by one and by a hundredth.
fn beyond(step: f64) -> f64 {
    step.ceil() + step.abs() * 0.01 + 1.0
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a bound that is only to be exceeded, and a cast of a float saturates"
)]
fn plus(bound: &Datum<'_>, step: f64) -> Option<Datum<'static>> {
    match bound {
        Datum::Integer(n) => Some(Datum::Integer(n.checked_add(i128::from(step as i64))?)),
        Datum::Float(x) => Some(Datum::Float(x + step)).filter(|_| (x + step).is_finite()),
        Datum::Time(at) => at.plus_seconds(step as i64).map(Datum::Time),
        _ => None,
    }
}
