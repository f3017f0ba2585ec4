//! Checks of single values.

use regex::Regex;

use super::super::datum::{Datum, typed};
use super::super::found::{Cite, Failed, Held, show};
use super::super::load::Bundle;
use super::super::operand::{Reading, evaluate, wrong_type};
use super::super::select::{Found, many, nothing, one, select};
use super::Judged;
use super::agree::one_kind;
use crate::outcome::FailureKind;
use crate::spec::check::{Absent, Comparison};
use crate::spec::operand::{Op, Type};
use crate::spec::selector::{Literal, Selector};

pub(super) fn cmp(comparison: &Comparison, bundle: &Bundle) -> Judged {
    let (left, right) = sides(comparison, bundle)?;
    let cites = left.cite.into_iter().chain(right.cite);
    if comparison.op.holds(left.datum.order(&right.datum)) {
        return Ok(Held::at(cites));
    }
    Err(unmet(comparison, &left, &right))
}

fn sides<'b>(
    comparison: &'b Comparison,
    bundle: &'b Bundle,
) -> Result<(Reading<'b>, Reading<'b>), Failed> {
    let left = evaluate(&comparison.left, bundle)?;
    let right = evaluate(&comparison.right, bundle)?;
    if let (Op::NotEqual, Datum::Any(a), Datum::Any(b)) = (comparison.op, &left.datum, &right.datum)
    {
        one_kind(*a, *b).map_err(|failed| failed.maybe_at(left.cite))?;
    }
    Ok((left, right))
}

fn unmet(comparison: &Comparison, left: &Reading<'_>, right: &Reading<'_>) -> Failed {
    let op = comparison.op.name();
    let bound = match right.cite {
        None => String::new(),
        Some(_) => format!(" ({})", comparison.right),
    };
    let message = format!(
        "{} is {}, wanted {op} {}{bound}",
        comparison.left, left.datum, right.datum
    );
    let cite = left.cite.or(right.cite);
    Failed::new(FailureKind::Compare, message).maybe_at(cite)
}

pub(super) fn when(when: &Comparison, then: &Comparison, bundle: &Bundle) -> Judged {
    let (left, right) = sides(when, bundle)?;
    if when.op.holds(left.datum.order(&right.datum)) {
        return cmp(then, bundle);
    }
    let message = format!(
        "it is about {} {} {}, and that is {}",
        when.left,
        when.op.name(),
        when.right,
        left.datum
    );
    Err(Failed::new(FailureKind::NeverApplies, message).maybe_at(left.cite))
}

pub(super) fn one_of(
    at: &Selector,
    values: &[Literal],
    absent: Absent,
    kind: FailureKind,
    bundle: &Bundle,
) -> Judged {
    let found = select(at, bundle)?;
    if let (Absent::Passes, Some(parent)) = (absent, last_member_missing(at, &found)) {
        return Ok(Held::absent(Cite::value(at.artifact, parent)));
    }
    let value = one(at, bundle)?;
    let cite = Cite::value(at.artifact, value);
    if values.iter().any(|wanted| value.same(wanted.value())) {
        return Ok(Held::at([cite]));
    }
    let wanted: Vec<&str> = values.iter().map(Literal::text).collect();
    let message = format!(
        "{at} is {}, wanted {}",
        show(value.text()),
        wanted.join(" or ")
    );
    Err(Failed::new(kind, message).at(cite))
}

/// The object that lacks nothing but the last member of the path. Higher up, absence is never as good.
fn last_member_missing<'b>(at: &Selector, found: &Found<'b>) -> Option<crate::json::Value<'b>> {
    let gap = found.gap.as_ref()?;
    let last = gap.is_last(&at.path) && gap.parent.kind() == crate::json::Kind::Object;
    last.then_some(gap.parent)
}

pub(super) fn absent(at: &Selector, bundle: &Bundle) -> Judged {
    let found = select(at, bundle)?;
    if let Some(value) = found.values.first() {
        let message = format!(
            "{at} is {}, and nothing should be there",
            show(value.text())
        );
        let cite = Cite::value(at.artifact, value);
        return Err(Failed::new(FailureKind::Unexpected, message).at(cite));
    }
    match found.gap {
        Some(ref gap) if gap.is_last(&at.path) && gap.parent.is_container() => {
            Ok(Held::at([Cite::value(at.artifact, gap.parent)]))
        }
        _ => Err(nothing(at, &found)),
    }
}

pub(super) fn each_matches(at: &Selector, regex: &Regex, least: usize, bundle: &Bundle) -> Judged {
    let values = many(at, least, bundle)?;
    for value in values.iter() {
        let cite = Cite::value(at.artifact, value);
        let kind = value.kind().name();
        let text = value
            .string()
            .ok_or_else(|| wrong_type(&at.to_string(), value, Type::String, kind, cite))?;
        if !regex.is_match(&text) {
            let message = format!("{} at {at} does not match `{regex}`", show(value.text()));
            return Err(Failed::new(FailureKind::NoMatch, message).at(cite));
        }
    }
    Ok(Held::at(
        values.iter().map(|value| Cite::value(at.artifact, value)),
    ))
}

pub(super) fn each_typed(at: &Selector, ty: Type, least: usize, bundle: &Bundle) -> Judged {
    let values = many(at, least, bundle)?;
    for value in values.iter() {
        let cite = Cite::value(at.artifact, value);
        typed(value, ty).map_err(|found| wrong_type(&at.to_string(), value, ty, found, cite))?;
    }
    Ok(Held::at(
        values.iter().map(|value| Cite::value(at.artifact, value)),
    ))
}
