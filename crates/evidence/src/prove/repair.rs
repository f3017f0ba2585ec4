//! Satisfying a rule again that a change broke on its way, without touching what was changed.

use super::edit::Edit;
use super::trial::Trial;
use super::values::{around, assign, deciding, read};
use super::{breaks, listing};
use crate::engine::{Bundle, Datum};
use crate::spec::check::{Check, Comparison, Series, Trend};
use crate::spec::operand::Operand;

/// Edits after which the rule should hold in the changed bundle.
pub(super) fn of(
    trial: &Trial<'_>,
    rule: u32,
    bundle: &Bundle,
    edits: &[Edit],
) -> Option<Vec<Edit>> {
    let repairs = match &trial.spec.rule(rule).check {
        Check::Cmp(comparison) => compare(trial, comparison, bundle),
        Check::Series {
            trend,
            series: Series::Operands(operands),
        } => series(trial, *trend, operands, bundle),
        check @ Check::Files { .. } => breaks::wanted(check)
            .map(|wanted| listing::repaired(trial, &wanted, bundle))
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let fresh =
        |repair: &Vec<Edit>| !repair.is_empty() && !repair.iter().any(|edit| touches(edit, edits));
    repairs.into_iter().find(fresh)
}

fn touches(edit: &Edit, edits: &[Edit]) -> bool {
    edits.iter().any(|other| match (edit, other) {
        (Edit::Json(a, p, _), Edit::Json(b, q, _)) => {
            a == b && (p.starts_with(q) || q.starts_with(p))
        }
        (Edit::Text(a, start, end, _), Edit::Text(b, from, to, _)) => {
            a == b && start < to && from < end
        }
        _ => false,
    })
}

fn compare(trial: &Trial<'_>, comparison: &Comparison, bundle: &Bundle) -> Vec<Vec<Edit>> {
    let mut repairs = Vec::new();
    let (left, right) = (
        read(&comparison.left, bundle),
        read(&comparison.right, bundle),
    );
    if let Some(right) = right {
        for value in deciding(comparison, true, &right, true) {
            repairs.extend(assign(trial, &comparison.left, &value));
        }
        repairs.extend(equal(trial, &comparison.left, &right));
    }
    if let Some(left) = left {
        for value in deciding(comparison, false, &left, true) {
            repairs.extend(assign(trial, &comparison.right, &value));
        }
        repairs.extend(equal(trial, &comparison.right, &left));
    }
    repairs
}

/// Values without an order can only be made equal.
fn equal(trial: &Trial<'_>, operand: &Operand, value: &Datum<'_>) -> Vec<Vec<Edit>> {
    match value {
        Datum::Any(_) => assign(trial, operand, value),
        _ => Vec::new(),
    }
}

fn series(
    trial: &Trial<'_>,
    trend: Trend,
    operands: &[Operand],
    bundle: &Bundle,
) -> Vec<Vec<Edit>> {
    let mut repairs = Vec::new();
    for pair in operands.windows(2) {
        let (Some(before), Some(after)) = (read(&pair[0], bundle), read(&pair[1], bundle)) else {
            continue;
        };
        let holds = |a: &Datum<'_>, b: &Datum<'_>| match trend {
            Trend::Flat => a.order(b).is_eq(),
            Trend::Increasing => a.order(b).is_lt(),
            Trend::Monotonic => a.order(b).is_le(),
            Trend::Interval(..) => true,
        };
        if holds(&before, &after) {
            continue;
        }
        for value in around(&pair[1], &before)
            .iter()
            .filter(|value| holds(&before, value))
        {
            repairs.extend(assign(trial, &pair[1], value));
        }
        for value in around(&pair[0], &after)
            .iter()
            .filter(|value| holds(value, &after))
        {
            repairs.extend(assign(trial, &pair[0], value));
        }
    }
    repairs
}
