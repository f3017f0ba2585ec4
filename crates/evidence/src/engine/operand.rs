//! From an operand to its value.

use regex::Regex;

use super::datum::{Datum, typed};
use super::found::{Cite, Failed};
use super::load::Bundle;
use super::select::{many, nothing, one, select};
use crate::json::Value;
use crate::nearest::hint;
use crate::outcome::FailureKind;
use crate::spec::operand::{Factor, Find, From, Operand, Type};
use crate::spec::selector::Selector;

/// A value and where it was read; none for one of the spec.
pub(crate) struct Reading<'b> {
    pub(crate) datum: Datum<'b>,
    pub(crate) cite: Option<Cite>,
}

pub(crate) fn evaluate<'b>(
    operand: &'b Operand,
    bundle: &'b Bundle,
) -> Result<Reading<'b>, Failed> {
    let reading = source(operand, bundle)?;
    let datum = adjust(reading.datum, operand).ok_or_else(|| {
        Failed::new(
            FailureKind::WrongType,
            format!("{operand} is beyond every number"),
        )
        .maybe_at(reading.cite)
    })?;
    let cite = reading.cite;
    Ok(Reading { datum, cite })
}

fn source<'b>(operand: &'b Operand, bundle: &'b Bundle) -> Result<Reading<'b>, Failed> {
    match &operand.from {
        From::At(at) => {
            let value = one(at, bundle)?;
            reading(at, value, operand.ty)
        }
        From::Count(at) => count(at, bundle),
        From::Sum(at) => sum(at, operand.ty, bundle),
        From::Min(at) => extreme(at, operand.ty, bundle, std::cmp::Ordering::Less),
        From::Max(at) => extreme(at, operand.ty, bundle, std::cmp::Ordering::Greater),
        From::Literal(literal) => {
            let datum = typed(literal.value(), operand.ty);
            let datum = datum.unwrap_or(Datum::Any(literal.value()));
            Ok(Reading { datum, cite: None })
        }
        From::Text(find) => text(find, operand.ty, bundle),
    }
}

/// A value as a type.
pub(crate) fn reading<'b>(
    at: &Selector,
    value: Value<'b>,
    ty: Type,
) -> Result<Reading<'b>, Failed> {
    let cite = Cite::value(at.artifact, value);
    let datum =
        typed(value, ty).map_err(|found| wrong_type(&at.to_string(), value, ty, found, cite))?;
    let cite = Some(cite);
    Ok(Reading { datum, cite })
}

pub(crate) fn wrong_type(at: &str, value: Value<'_>, ty: Type, found: &str, cite: Cite) -> Failed {
    let text = super::found::show(value.text());
    let message = format!("{at} is {text}: {found}, where {} is wanted", ty.name());
    Failed::new(FailureKind::WrongType, message).at(cite)
}

fn count<'b>(at: &Selector, bundle: &'b Bundle) -> Result<Reading<'b>, Failed> {
    let found = select(at, bundle)?;
    if found.is_broken() {
        return Err(nothing(at, &found));
    }
    let place = found.gap.map(|gap| gap.parent).or(found.values.last());
    Ok(Reading {
        datum: Datum::Integer(found.values.len() as i128),
        cite: place.map(|value| Cite::value(at.artifact, value)),
    })
}

/// What a selector finds, read one at a time: there may be as many as the artifact has.
pub(crate) fn readings<'b>(
    at: &Selector,
    ty: Type,
    least: usize,
    bundle: &'b Bundle,
) -> Result<impl Iterator<Item = Result<Reading<'b>, Failed>>, Failed> {
    let values = many(at, least, bundle)?;
    Ok(values.into_iter().map(move |value| reading(at, value, ty)))
}

fn sum<'b>(at: &Selector, ty: Type, bundle: &'b Bundle) -> Result<Reading<'b>, Failed> {
    let all = readings(at, ty, 1, bundle)?;
    let add = |sum: Reading<'b>, more: Reading<'b>| Reading {
        datum: plus(sum.datum, more.datum),
        cite: sum.cite,
    };
    folded(at, all, add)
}

fn plus<'b>(a: Datum<'b>, b: Datum<'b>) -> Datum<'b> {
    match (a, b) {
        (Datum::Integer(a), Datum::Integer(b)) => Datum::Integer(a.saturating_add(b)),
        (Datum::Float(a), Datum::Float(b)) => Datum::Float(a + b),
        (a, _) => a,
    }
}

fn extreme<'b>(
    at: &Selector,
    ty: Type,
    bundle: &'b Bundle,
    wanted: std::cmp::Ordering,
) -> Result<Reading<'b>, Failed> {
    let all = readings(at, ty, 1, bundle)?;
    let better = |a: Reading<'b>, b: Reading<'b>| match b.datum.order(&a.datum) == wanted {
        true => b,
        false => a,
    };
    folded(at, all, better)
}

fn folded<'b>(
    at: &Selector,
    mut all: impl Iterator<Item = Result<Reading<'b>, Failed>>,
    join: impl Fn(Reading<'b>, Reading<'b>) -> Reading<'b>,
) -> Result<Reading<'b>, Failed> {
    let nothing = || Failed::new(FailureKind::NothingExamined, format!("nothing at {at}"));
    let first = all.next().ok_or_else(nothing)??;
    all.try_fold(first, |sum, more| Ok(join(sum, more?)))
}

fn adjust<'b>(datum: Datum<'b>, operand: &Operand) -> Option<Datum<'b>> {
    let scaled = match (datum, operand.mul) {
        (Datum::Integer(n), Some(Factor::Integer(by))) => Datum::Integer(n.checked_mul(by.into())?),
        (Datum::Float(x), Some(Factor::Float(by))) => Datum::Float(x * by),
        (datum, _) => datum,
    };
    let moved = match (scaled, operand.add) {
        (Datum::Integer(n), Some(Factor::Integer(by))) => Datum::Integer(n.checked_add(by.into())?),
        (Datum::Float(x), Some(Factor::Float(by))) => Datum::Float(x + by),
        (Datum::Time(at), Some(Factor::Integer(by))) => Datum::Time(at.plus_seconds(by)?),
        (datum, _) => datum,
    };
    Some(moved).filter(|datum| !matches!(datum, Datum::Float(x) if !x.is_finite()))
}

/// What a pattern captures, with its first and last byte.
pub(crate) struct Capture<'b> {
    pub(crate) text: &'b str,
    pub(crate) start: usize,
}

impl Capture<'_> {
    fn cite(&self, artifact: u32) -> Cite {
        Cite::bytes(artifact, self.start, self.start + self.text.len())
    }
}

fn text<'b>(find: &Find, ty: Type, bundle: &'b Bundle) -> Result<Reading<'b>, Failed> {
    let text = bundle.text(find.artifact)?;
    let (captures, keys) = captures(find, text);
    match &captures[..] {
        [capture] => {
            let cite = Some(capture.cite(find.artifact));
            let wrong = || {
                let shown = super::found::show(capture.text);
                let message = format!(
                    "`{}` captures `{shown}`, which is no {}",
                    find.find,
                    ty.name()
                );
                Failed::new(FailureKind::WrongType, message).maybe_at(cite)
            };
            let datum = Datum::read(capture.text, ty).ok_or_else(wrong)?;
            Ok(Reading { datum, cite })
        }
        [] => Err(no_capture(find, &keys)),
        [_, second, ..] => {
            let message = format!("`{}` matches more than once, where one is meant", find.find);
            let cite = second.cite(find.artifact);
            Err(Failed::new(FailureKind::Ambiguous, message).at(cite))
        }
    }
}

fn no_capture(find: &Find, keys: &[&str]) -> Failed {
    let section = find.section.as_ref().map(|(_, key)| key.as_str());
    let (message, help) = match section {
        Some(key) if !keys.contains(&key) => (
            format!("there is no section `{key}`"),
            hint(key, keys.iter().copied()),
        ),
        Some(key) => (
            format!("no line of section `{key}` matches `{}`", find.find),
            String::new(),
        ),
        None => (format!("no line matches `{}`", find.find), String::new()),
    };
    let failed = Failed::new(FailureKind::NoMatch, message).at(Cite::whole(find.artifact));
    failed.help(help.trim_start_matches("; "))
}

/// All captures in the lines that are looked at, and the keys of the sections that were passed.
pub(crate) fn captures<'b>(find: &Find, text: &'b str) -> (Vec<Capture<'b>>, Vec<&'b str>) {
    let mut captures = Vec::new();
    let mut keys = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end_matches(['\n', '\r']);
        match find
            .section
            .as_ref()
            .and_then(|(regex, _)| in_line(regex, line, start).next())
        {
            Some(header) => keys.push(header.text),
            None if find.is_inside(keys.last().copied()) => {
                // A second one is enough to be ambiguous, also within a line: a document may be written on one.
                captures.extend(in_line(&find.find, line, start).take(2));
            }
            None => {}
        }
        start += raw.len();
    }
    (captures, keys)
}

fn in_line<'b>(regex: &Regex, line: &'b str, start: usize) -> impl Iterator<Item = Capture<'b>> {
    let groups = regex.captures_iter(line).filter_map(|found| found.get(1));
    groups.map(move |group| Capture {
        text: group.as_str(),
        start: start + group.start(),
    })
}

impl Find {
    fn is_inside(&self, key: Option<&str>) -> bool {
        match &self.section {
            None => true,
            Some((_, wanted)) => key == Some(wanted),
        }
    }
}
