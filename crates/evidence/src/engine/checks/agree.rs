//! Checks that tie artifacts together, or keep them apart.

use std::collections::{BTreeMap, BTreeSet};

use super::super::datum::typed;
use super::super::found::{Cite, Failed, Held, show};
use super::super::load::Bundle;
use super::super::select::{many, nothing, one, select, within};
use super::Judged;
use super::rows::field;
use crate::json::{Kind, Value};
use crate::outcome::FailureKind;
use crate::spec::check::Check;
use crate::spec::operand::Type;
use crate::spec::selector::Selector;

pub(super) fn distinct(tuples: &[Vec<Selector>], bundle: &Bundle) -> Judged {
    let mut seen: Vec<Vec<(Value<'_>, Cite)>> = Vec::new();
    for selectors in tuples {
        let value = |at: &Selector| {
            let value = one(at, bundle)?;
            Ok((value, Cite::value(at.artifact, value)))
        };
        let tuple: Vec<_> = selectors.iter().map(value).collect::<Result<_, Failed>>()?;
        let equal = |other: &&Vec<(Value<'_>, Cite)>| {
            tuple.iter().zip(*other).all(|((a, _), (b, _))| a.same(*b))
        };
        for ((a, cite), (b, _)) in seen.iter().flat_map(|other| tuple.iter().zip(other)) {
            one_kind(*a, *b).map_err(|failed| failed.at(*cite))?;
        }
        if seen.iter().any(|other| equal(&other)) {
            let shown: Vec<String> = tuple.iter().map(|(value, _)| show(value.text())).collect();
            let message = format!("{} twice, where two identities should be", shown.join(", "));
            let cite = tuple.first().map(|(_, cite)| *cite);
            return Err(Failed::new(FailureKind::NotDistinct, message).maybe_at(cite));
        }
        seen.push(tuple);
    }
    Ok(Held::at(seen.iter().flatten().map(|(_, cite)| *cite)))
}

/// Values of two kinds are never equal, so that they differ says nothing: the one may be the other, written otherwise.
pub(super) fn one_kind(a: Value<'_>, b: Value<'_>) -> Result<(), Failed> {
    let (one, other) = (a.kind().name(), b.kind().name());
    // A measurement may come out whole: 2 and 1.5 do differ, and 1 and 1.0 do not.
    let numbers = typed(a, Type::Finite).ok().zip(typed(b, Type::Finite).ok());
    if one == other || numbers.is_some_and(|(a, b)| a.order(&b).is_ne()) {
        return Ok(());
    }
    let (a, b) = (show(a.text()), show(b.text()));
    let message = format!("{a} is {one}, and {b} is {other}: such two always differ");
    Err(Failed::new(FailureKind::WrongType, message))
}

pub(super) fn same(
    left: &Selector,
    right: &Selector,
    ignore: &[Vec<String>],
    bundle: &Bundle,
) -> Judged {
    let (a, b) = (one(left, bundle)?, one(right, bundle)?);
    let cites = [
        Cite::value(left.artifact, a),
        Cite::value(right.artifact, b),
    ];
    let Some(path) = a.difference(b, ignore) else {
        return Ok(Held::at(cites));
    };
    let (at, there) = (follow(a, &path), follow(b, &path));
    let shown =
        |value: Option<Value<'_>>| value.map_or("nothing".into(), |value| show(value.text()));
    let message = format!(
        "{left}{path} is {}, and {right}{path} is {}",
        shown(at),
        shown(there)
    );
    let cite = match (at, there) {
        (Some(value), _) => Cite::value(left.artifact, value),
        (None, Some(value)) => Cite::value(right.artifact, value),
        (None, None) => cites[0],
    };
    Err(Failed::new(FailureKind::Differs, message).at(cite))
}

/// Follows a pointer of plain keys.
fn follow<'d>(root: Value<'d>, pointer: &str) -> Option<Value<'d>> {
    let mut tokens = pointer.split('/').skip(1);
    tokens.try_fold(root, |value, token| {
        value.child(&token.replace("~1", "/").replace("~0", "~"))
    })
}

pub(super) fn same_set(sets: &[Selector], least: usize, bundle: &Bundle) -> Judged {
    let mut first: Option<(&Selector, BTreeSet<String>)> = None;
    let mut cites = Vec::new();
    for selector in sets {
        let values = many(selector, least, bundle)?;
        let place = values
            .first()
            .map(|value| Cite::value(selector.artifact, value));
        cites.extend(place);
        let set: BTreeSet<String> = values.into_iter().map(canonical).collect();
        match &first {
            None => first = Some((selector, set)),
            Some((other, wanted)) if *wanted != set => {
                let failed = sets_differ(other, wanted, selector, &set);
                return Err(failed.maybe_at(place));
            }
            Some(_) => {}
        }
    }
    Ok(Held::at(cites))
}

fn sets_differ(
    left: &Selector,
    a: &BTreeSet<String>,
    right: &Selector,
    b: &BTreeSet<String>,
) -> Failed {
    let some = |set: Vec<&String>| {
        let shown: Vec<String> = set.iter().take(3).map(|text| show(text)).collect();
        shown.join(", ")
    };
    let (missing, extra) = (
        a.difference(b).collect::<Vec<_>>(),
        b.difference(a).collect::<Vec<_>>(),
    );
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("only in {left}: {}", some(missing)));
    }
    if !extra.is_empty() {
        parts.push(format!("only in {right}: {}", some(extra)));
    }
    Failed::new(FailureKind::SetDiffers, parts.join("; "))
}

/// One text for all spellings of a value.
pub(super) fn canonical(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Object => {
            let members = value.members();
            let sorted: BTreeMap<_, _> = members
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            let members: Vec<String> = sorted
                .iter()
                .map(|(key, value)| format!("{}:{value}", crate::json::quote(key)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Kind::Array => {
            let elements: Vec<String> = value.children().map(canonical).collect();
            format!("[{}]", elements.join(","))
        }
        Kind::String => crate::json::quote(&value.string().unwrap_or_default()),
        Kind::Float => match value.number() {
            Some(crate::json::Number::Float(x)) => format!("{x:?}"),
            _ => value.text().to_owned(),
        },
        _ => value.text().to_owned(),
    }
}

pub(super) fn project(check: &Check, bundle: &Bundle) -> Judged {
    let Check::Project {
        rows,
        having,
        key,
        val,
        equals,
        least,
    } = check
    else {
        return Ok(Held::default());
    };
    let wanted = one(equals, bundle)?;
    let mut map: BTreeMap<String, (String, Cite)> = BTreeMap::new();
    let found = many(rows, *least, bundle)?;
    for row in found.iter() {
        if within(having, row).values.is_empty() {
            continue;
        }
        let name = field(rows, row, key, "`key`")?;
        let value = field(rows, row, val, "`val`")?;
        let name = name
            .string()
            .map_or_else(|| name.text().to_owned(), |text| text.into_owned());
        let cite = Cite::value(rows.artifact, value);
        if map.insert(name.clone(), (canonical(value), cite)).is_some() {
            let message = format!("two rows of {rows} have the key {}", show(&name));
            return Err(Failed::new(FailureKind::Ambiguous, message).at(cite));
        }
    }
    compare(rows, &map, equals, wanted)?;
    let cites = [Cite::value(equals.artifact, wanted)];
    Ok(Held::at(
        cites.into_iter().chain(map.values().map(|(_, cite)| *cite)),
    ))
}

fn compare(
    rows: &Selector,
    map: &BTreeMap<String, (String, Cite)>,
    equals: &Selector,
    wanted: Value<'_>,
) -> Result<(), Failed> {
    let whole = Cite::value(equals.artifact, wanted);
    if wanted.kind() != Kind::Object {
        let message = format!(
            "{equals} is {}, where an object is wanted",
            wanted.kind().name()
        );
        return Err(Failed::new(FailureKind::WrongType, message).at(whole));
    }
    let members: BTreeMap<_, _> = wanted.members().collect();
    for (name, (found, cite)) in map {
        let there = members.get(name.as_str()).map(|value| canonical(*value));
        if there.as_ref() != Some(found) {
            let there = there.unwrap_or("nothing".into());
            let message = format!(
                "{rows} has {} for {}, and {equals} has {}",
                show(found),
                show(name),
                show(&there)
            );
            return Err(Failed::new(FailureKind::Differs, message).at(*cite));
        }
    }
    match members.iter().find(|(name, _)| !map.contains_key(&***name)) {
        None => Ok(()),
        Some((name, value)) => {
            let message = format!("{equals} has {}, and no row of {rows} does", show(name));
            let cite = Cite::value(equals.artifact, *value);
            Err(Failed::new(FailureKind::Differs, message).at(cite))
        }
    }
}

/// The strings of a selector, for a list of files.
pub(super) fn strings(at: &Selector, bundle: &Bundle) -> Result<BTreeSet<String>, Failed> {
    let found = select(at, bundle)?;
    if found.is_broken() {
        return Err(nothing(at, &found));
    }
    let text = |value: Value<'_>| {
        value.string().map(|text| text.into_owned()).ok_or_else(|| {
            let message = format!(
                "{at} is {}, where the name of a file is wanted",
                value.kind().name()
            );
            Failed::new(FailureKind::WrongType, message).at(Cite::value(at.artifact, value))
        })
    };
    found.values.into_iter().map(text).collect()
}
