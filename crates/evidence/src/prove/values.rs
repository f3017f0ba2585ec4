//! Other values: of the same type where that is possible, and just beyond a bound.

use crate::engine::{Datum, captures, evaluate, select};
use crate::json::{Kind, Number, Value, quote};
use crate::spec::check::Comparison;
use crate::spec::operand::{Factor, From, Operand, Type};
use crate::spec::selector::Selector;
use crate::time::Instant;

use super::edit::{Change, Edit, NEW, steps};
use super::trial::Trial;

/// Values like this one, and not this one, as JSON.
pub(super) fn others(value: Value<'_>) -> Vec<String> {
    match value.kind() {
        Kind::Null => vec!["true".to_owned()],
        Kind::True => vec!["false".to_owned()],
        Kind::False => vec!["true".to_owned()],
        Kind::String => string(&value.string().unwrap_or_default()),
        Kind::Integer => match value.number() {
            Some(Number::Integer(n)) => vec![(n + 1).to_string(), (n - 1).to_string()],
            _ => vec!["0".to_owned()],
        },
        Kind::Float => match value.number() {
            Some(Number::Float(x)) => vec![format!("{:?}", x + 1.0), format!("{:?}", x - 1.0)],
            _ => vec!["0.5".to_owned()],
        },
        Kind::Array | Kind::Object => vec![quote(NEW)],
    }
}

fn string(text: &str) -> Vec<String> {
    match Instant::parse(text) {
        None => vec![quote(&format!("{text}x")), quote(NEW)],
        Some(instant) => {
            let moved = [1, -1]
                .into_iter()
                .filter_map(|by| instant.plus_seconds(by));
            moved.map(|instant| quote(&instant.to_string())).collect()
        }
    }
}

/// Values around a datum, which an operand could have instead; what it multiplies and adds is taken back.
pub(super) fn around(operand: &Operand, bound: &Datum<'_>) -> Vec<Datum<'static>> {
    match back(operand, bound) {
        Some(base) => near(operand.ty, &base),
        None => near(operand.ty, bound),
    }
}

/// What an operand has to read, to be that; without what is lost in a division.
pub(super) fn back(operand: &Operand, value: &Datum<'_>) -> Option<Datum<'static>> {
    let float = |factor: Option<Factor>, default| match factor {
        Some(Factor::Float(x)) => x,
        _ => default,
    };
    match value {
        Datum::Integer(n) => {
            let moved = n.checked_sub(factor(operand.add, 0))?;
            moved
                .checked_div(factor(operand.mul, 1))
                .map(Datum::Integer)
        }
        Datum::Float(x) => Some(Datum::Float(
            (x - float(operand.add, 0.0)) / float(operand.mul, 1.0),
        )),
        Datum::Time(at) => {
            let by = i64::try_from(factor(operand.add, 0)).ok()?;
            at.plus_seconds(by.checked_neg()?).map(Datum::Time)
        }
        Datum::Text(text) => Some(Datum::Text(text.to_string().into())),
        Datum::Bool(yes) => Some(Datum::Bool(*yes)),
        Datum::Any(_) => None,
    }
}

/// A value of that type, and others that are near.
pub(super) fn near(ty: Type, base: &Datum<'_>) -> Vec<Datum<'static>> {
    match base {
        Datum::Integer(n) => integers(ty, *n),
        Datum::Float(x) => floats(*x),
        Datum::Time(at) => {
            let moved = [-1, 0, 1].into_iter().filter_map(|by| at.plus_seconds(by));
            moved.map(Datum::Time).collect()
        }
        Datum::Text(text) => {
            let shorter = text.chars().skip(1).collect::<String>();
            let texts = [text.to_string(), shifted(text), format!("{text}x"), shorter];
            texts
                .into_iter()
                .map(|text| Datum::Text(text.into()))
                .collect()
        }
        Datum::Bool(yes) => vec![Datum::Bool(!yes), Datum::Bool(*yes)],
        Datum::Any(_) => Vec::new(),
    }
}

fn integers(ty: Type, base: i128) -> Vec<Datum<'static>> {
    let range = match ty {
        Type::U64 => 0..=i128::from(u64::MAX),
        _ => i128::from(i64::MIN)..=i128::from(i64::MAX),
    };
    let near = [-1, 0, 1, 2].map(|by| base.saturating_add(by));
    near.into_iter()
        .chain([0])
        .filter(|n| range.contains(n))
        .map(Datum::Integer)
        .collect()
}

fn factor(factor: Option<Factor>, default: i128) -> i128 {
    match factor {
        Some(Factor::Integer(n)) => n.into(),
        _ => default,
    }
}

fn floats(base: f64) -> Vec<Datum<'static>> {
    let near = [base, base * 1.01 + 0.01, base * 0.99 - 0.01, 0.0];
    near.into_iter()
        .filter(|x| x.is_finite())
        .map(Datum::Float)
        .collect()
}

/// A text of the same characters' classes, differing in its first one.
pub(super) fn shifted(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| match c {
        '9' => '8',
        '0'..='8' => char::from_u32(u32::from(c) + 1).unwrap_or('0'),
        'f' => 'e',
        'a'..='e' => 'f',
        'z' => 'y',
        c if c.is_ascii_lowercase() => char::from_u32(u32::from(c) + 1).unwrap_or('x'),
        'A' => 'B',
        _ => 'A',
    });
    first.into_iter().chain(chars).collect()
}

/// What the operand would be, had it been read like this.
pub(super) fn adjusted(operand: &Operand, raw: &Datum<'static>) -> Option<Datum<'static>> {
    Some(match raw {
        Datum::Integer(n) => {
            let scaled = n.checked_mul(factor(operand.mul, 1))?;
            Datum::Integer(scaled.checked_add(factor(operand.add, 0))?)
        }
        Datum::Time(at) => {
            Datum::Time(at.plus_seconds(i64::try_from(factor(operand.add, 0)).ok()?)?)
        }
        other => other.clone(),
    })
}

/// Values for one side of a comparison under which it holds, or does not.
pub(super) fn deciding(
    comparison: &Comparison,
    left: bool,
    other: &Datum<'_>,
    holds: bool,
) -> Vec<Datum<'static>> {
    let operand = if left {
        &comparison.left
    } else {
        &comparison.right
    };
    let fits = |raw: &Datum<'static>| {
        let Some(value) = adjusted(operand, raw) else {
            return false;
        };
        let order = if left {
            value.order(other)
        } else {
            other.order(&value)
        };
        comparison.op.holds(order) == holds
    };
    around(operand, other).into_iter().filter(fits).collect()
}

/// A datum as JSON.
pub(super) fn json(datum: &Datum<'_>) -> String {
    match datum {
        Datum::Integer(n) => n.to_string(),
        Datum::Float(x) => format!("{x:?}"),
        Datum::Text(text) => quote(text),
        Datum::Bool(yes) => yes.to_string(),
        Datum::Time(at) => quote(&at.to_string()),
        Datum::Any(value) => value.text().to_owned(),
    }
}

fn plain(datum: &Datum<'_>) -> String {
    match datum {
        Datum::Text(text) => text.to_string(),
        Datum::Time(at) => at.to_string(),
        other => json(other),
    }
}

/// Changes after which an operand reads that value.
pub(super) fn assign(trial: &Trial<'_>, operand: &Operand, value: &Datum<'_>) -> Vec<Vec<Edit>> {
    match &operand.from {
        From::At(at) => vec![each(trial, at, value)],
        From::Min(at) | From::Max(at) => {
            let all = each(trial, at, value);
            let one = all.first().cloned().into_iter().collect();
            vec![one, all]
        }
        From::Sum(at) => {
            let all = each(trial, at, &Datum::Integer(0));
            let one = each(trial, at, value).into_iter().next();
            vec![one.into_iter().chain(all.into_iter().skip(1)).collect()]
        }
        From::Count(at) => match value {
            Datum::Integer(n) => resize(trial, at, *n),
            _ => Vec::new(),
        },
        From::Text(find) => {
            let (found, _) = captures(find, trial.text(find.artifact));
            let edit = |capture: &crate::engine::Capture<'_>| {
                let end = capture.start + capture.text.len();
                Edit::Text(find.artifact, capture.start, end, plain(value))
            };
            vec![found.iter().map(edit).collect()]
        }
        From::Literal(_) => Vec::new(),
    }
    .into_iter()
    .filter(|edits: &Vec<Edit>| !edits.is_empty())
    .collect()
}

/// Every value of a selector becomes that value.
fn each(trial: &Trial<'_>, at: &Selector, value: &Datum<'_>) -> Vec<Edit> {
    let places = places(trial, at);
    places
        .into_iter()
        .map(|place| Edit::set(at.artifact, place, json(value)))
        .collect()
}

/// Where the values of a selector stand in the good bundle.
pub(super) fn places(trial: &Trial<'_>, at: &Selector) -> Vec<Vec<String>> {
    let (Some(root), Ok(found)) = (trial.root(at.artifact), select(at, trial.good)) else {
        return Vec::new();
    };
    found
        .values
        .iter()
        .map(|value| steps(root, value))
        .collect()
}

/// Changes after which a selector finds so many values.
fn resize(trial: &Trial<'_>, at: &Selector, wanted: i128) -> Vec<Vec<Edit>> {
    let all = places(trial, at);
    let wanted = usize::try_from(wanted.max(0)).unwrap_or(0);
    if wanted <= all.len() {
        let gone = all[wanted..].iter();
        let delete = |place: &Vec<String>| Edit::Json(at.artifact, place.clone(), Change::Delete);
        return vec![gone.map(delete).collect()];
    }
    let more = wanted - all.len();
    grown(trial, at, &all, more).into_iter().collect()
}

fn grown(trial: &Trial<'_>, at: &Selector, all: &[Vec<String>], more: usize) -> Option<Vec<Edit>> {
    let found = select(at, trial.good).ok()?;
    let root = trial.root(at.artifact)?;
    let (holder, json) = match (found.values.last(), all.last()) {
        (Some(value), Some(place)) => (place.split_last()?.1.to_vec(), value.text().to_owned()),
        _ => (steps(root, found.gap?.parent), quote(NEW)),
    };
    let insert = |n: usize| {
        let key = format!("{NEW}-{n}");
        Edit::Json(
            at.artifact,
            holder.clone(),
            Change::Insert(key, json.clone()),
        )
    };
    (more <= 8).then(|| (0..more).map(insert).collect())
}

/// What an operand reads in a bundle, as it would be changed.
pub(super) fn read<'b>(
    operand: &'b Operand,
    bundle: &'b crate::engine::Bundle,
) -> Option<Datum<'b>> {
    evaluate(operand, bundle).ok().map(|reading| reading.datum)
}
