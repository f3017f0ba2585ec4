//! Changes that should trip a rule, the smallest first.

use super::edit::{Change, Edit, NEW, Steps, follow, steps};
use super::listing::{self, Wanted};
use super::trial::Trial;
use super::values::{assign, deciding, others, places, read, shifted};
use super::{runs, sample, series};
use crate::engine::{Datum, within};
use crate::json::{Kind, Value, quote};
use crate::spec::check::{Check, Comparison, Condition};
use crate::spec::operand::{Operand, Type};
use crate::spec::selector::{Path, Selector};

pub(super) type Changes = Vec<Vec<Edit>>;

/// Candidates for one rule.
pub(super) fn of(trial: &Trial<'_>, rule: u32) -> Changes {
    let check = &trial.spec.rule(rule).check;
    match check {
        Check::Present(at) => vec![vec![Edit::Remove(*at)]],
        Check::Parse(at) => cut(trial, *at),
        Check::Cmp(comparison) => compare(trial, comparison),
        Check::When { then, .. } => compare(trial, then),
        Check::OneOf { at, .. } => at_or_inserted(trial, at),
        Check::Absent { at } => inserted(trial, at),
        Check::EachMatches { at, .. } => last_becomes(trial, at, &[quote(NEW), quote("")]),
        Check::EachTyped { at, ty, .. } => last_becomes(trial, at, &wrong(*ty)),
        Check::Row {
            rows,
            fields,
            equals,
        } => row(trial, rows, fields, equals),
        Check::SomeRow {
            rows,
            conditions,
            window,
        } => {
            let fields = conditions.iter().map(|condition| &condition.path);
            let times = window.iter().map(|bound| &bound.field);
            fields
                .chain(times)
                .map(|path| all_rows(trial, rows, path, conditions))
                .collect()
        }
        Check::NoRow {
            rows, conditions, ..
        } => unwanted(trial, rows, conditions),
        Check::RowSum { rows, total, .. } => fields(trial, rows, total),
        Check::Series { trend, series } => series::broken(trial, *trend, series),
        Check::RunLength { .. } => runs::broken(trial, check),
        Check::Group {
            rows, sum, right, ..
        } => grouped(trial, rows, sum, right),
        Check::Distinct { tuples } => copied(trial, tuples),
        Check::Same { left, right, .. } => differing(trial, left, right),
        Check::SameSet { sets, .. } => sets.iter().rev().flat_map(|at| values(trial, at)).collect(),
        Check::Project { rows, val, .. } => fields(trial, rows, val),
        Check::Matches { text, regex } => unmatched(trial.text(*text), *text, regex),
        Check::NotMatches { text, regex } => matched(trial, *text, regex.as_str()),
        Check::Prefix { short, long, .. } => [short, long]
            .into_iter()
            .flat_map(|operand| otherwise(trial, operand))
            .collect(),
        Check::Sha256 { equals, .. } => otherwise(trial, equals),
        Check::Files { .. } => {
            wanted(check).map_or_else(Changes::new, |wanted| listing::broken(trial, &wanted))
        }
        Check::Veto { glob } => listing::marked(trial, glob),
    }
}

pub(super) fn wanted(check: &Check) -> Option<Wanted<'_>> {
    let Check::Files {
        glob,
        least,
        most,
        equals,
    } = check
    else {
        return None;
    };
    Some(Wanted {
        glob,
        least: *least,
        most: *most,
        equals: equals.as_ref(),
    })
}

fn cut(trial: &Trial<'_>, artifact: u32) -> Changes {
    let half = trial.text(artifact).len() / 2;
    [half, 0]
        .map(|left| vec![Edit::Truncate(artifact, left)])
        .into()
}

fn compare(trial: &Trial<'_>, comparison: &Comparison) -> Changes {
    let mut changes = Changes::new();
    let sides = [
        (&comparison.left, &comparison.right, true),
        (&comparison.right, &comparison.left, false),
    ];
    for (operand, other, left) in sides {
        let Some(other) = read(other, trial.good) else {
            continue;
        };
        for value in deciding(comparison, left, &other, false) {
            changes.extend(assign(trial, operand, &value));
        }
        changes.extend(otherwise(trial, operand));
    }
    changes
}

/// The operand reads something else.
fn otherwise(trial: &Trial<'_>, operand: &Operand) -> Changes {
    match read(operand, trial.good) {
        Some(Datum::Text(text)) => assign(trial, operand, &Datum::Text(shifted(&text).into())),
        Some(Datum::Any(_)) => operand
            .selector()
            .map(|at| values(trial, at))
            .unwrap_or_default(),
        _ => Changes::new(),
    }
}

/// Each value of a selector in turn, the last one first, becomes another one.
pub(super) fn values(trial: &Trial<'_>, at: &Selector) -> Changes {
    let mut changes = Changes::new();
    for place in places(trial, at).into_iter().rev().take(8) {
        let value = trial
            .root(at.artifact)
            .and_then(|root| follow(root, &place));
        for other in value.map(others).unwrap_or_default() {
            changes.push(vec![Edit::set(at.artifact, place.clone(), other)]);
        }
    }
    changes
}

fn at_or_inserted(trial: &Trial<'_>, at: &Selector) -> Changes {
    let mut changes = values(trial, at);
    let odd = |place: Steps| vec![Edit::set(at.artifact, place, quote(NEW))];
    changes.extend(places(trial, at).into_iter().map(odd));
    changes.extend(inserted(trial, at));
    changes
}

/// A value where nothing is.
fn inserted(trial: &Trial<'_>, at: &Selector) -> Changes {
    let Some((last, before)) = at.path.0.split_last() else {
        return Changes::new();
    };
    let (Some(root), crate::spec::selector::Segment::Key(key)) = (trial.root(at.artifact), last)
    else {
        return Changes::new();
    };
    let mut holder = Some(root);
    for segment in before {
        holder = match segment {
            crate::spec::selector::Segment::Key(key) => holder.and_then(|value| value.child(key)),
            _ => None,
        };
    }
    let Some(holder) = holder.filter(|holder| holder.child(key).is_none()) else {
        return Changes::new();
    };
    let insert = Change::Insert(key.to_string(), quote(NEW));
    vec![vec![Edit::Json(at.artifact, steps(root, holder), insert)]]
}

fn last_becomes(trial: &Trial<'_>, at: &Selector, values: &[String]) -> Changes {
    let places = places(trial, at);
    let ends = [places.last(), places.first()];
    let set = |place: &Steps| {
        let place = place.clone();
        values
            .iter()
            .map(move |json| vec![Edit::set(at.artifact, place.clone(), json)])
    };
    ends.into_iter().flatten().flat_map(set).collect()
}

/// Values that are not of that type.
fn wrong(ty: Type) -> [String; 2] {
    match ty {
        Type::String => ["0".to_owned(), "null".to_owned()],
        _ => [quote(""), "null".to_owned()],
    }
}

/// The paths of rows, and the rows.
pub(super) fn rows<'t>(trial: &Trial<'t>, at: &Selector) -> Vec<(Steps, Value<'t>)> {
    let Some(root) = trial.root(at.artifact) else {
        return Vec::new();
    };
    let places = places(trial, at).into_iter();
    places
        .filter_map(|place| follow(root, &place).map(|row| (place, row)))
        .collect()
}

/// Where a field of a row stands, and its value.
pub(super) fn field<'t>(place: &Steps, row: Value<'t>, path: &Path) -> Option<(Steps, Value<'t>)> {
    let value = within(path, row).values.first()?;
    let inside = steps(row, value);
    Some((place.iter().cloned().chain(inside).collect(), value))
}

fn row(
    trial: &Trial<'_>,
    at: &Selector,
    fields: &[(Path, String, Type)],
    equals: &[Condition],
) -> Changes {
    let mut changes = Changes::new();
    for (place, row) in rows(trial, at) {
        for condition in equals {
            if let Some((place, value)) = field(&place, row, &condition.path) {
                changes.extend(
                    others(value)
                        .into_iter()
                        .map(|json| vec![Edit::set(at.artifact, place.clone(), json)]),
                );
            }
        }
        for (path, _, ty) in fields {
            if let Some((place, _)) = field(&place, row, path) {
                changes.push(vec![Edit::set(at.artifact, place, wrong(*ty)[0].clone())]);
            }
        }
        changes.push(vec![Edit::Json(at.artifact, place.clone(), Change::Delete)]);
        if let Some((_, holder)) = place.split_last() {
            let twice = Change::Insert(NEW.to_owned(), row.text().to_owned());
            changes.push(vec![Edit::Json(at.artifact, holder.to_vec(), twice)]);
        }
    }
    changes
}

/// One field of all rows that meet the conditions becomes another value.
fn all_rows(trial: &Trial<'_>, at: &Selector, path: &Path, conditions: &[Condition]) -> Vec<Edit> {
    let meets = |row: Value<'_>, condition: &Condition| {
        let found = within(&condition.path, row);
        found
            .values
            .first()
            .is_some_and(|value| value.same(condition.value.value()))
    };
    let mut edits = Vec::new();
    for (place, row) in rows(trial, at) {
        if conditions.iter().all(|condition| meets(row, condition)) {
            if let Some((place, value)) = field(&place, row, path) {
                let other = match value
                    .string()
                    .and_then(|text| crate::time::Instant::parse(&text))
                {
                    Some(_) => Some(quote("1970-01-01T00:00:00Z")),
                    None => others(value).into_iter().next(),
                };
                edits.extend(other.map(|json| Edit::set(at.artifact, place, json)));
            }
        }
    }
    edits
}

fn unwanted(trial: &Trial<'_>, at: &Selector, conditions: &[Condition]) -> Changes {
    let become_unwanted = |(place, row): (Steps, Value<'_>)| {
        let set = |condition: &Condition| {
            let (place, _) = field(&place, row, &condition.path)?;
            Some(Edit::set(at.artifact, place, condition.value.text()))
        };
        conditions.iter().filter_map(set).collect()
    };
    rows(trial, at)
        .into_iter()
        .take(8)
        .map(become_unwanted)
        .collect()
}

/// One field of each row in turn becomes another value.
fn fields(trial: &Trial<'_>, at: &Selector, path: &Path) -> Changes {
    let mut changes = Changes::new();
    for (place, row) in rows(trial, at) {
        if let Some((place, value)) = field(&place, row, path) {
            changes.extend(
                others(value)
                    .into_iter()
                    .map(|json| vec![Edit::set(at.artifact, place.clone(), json)]),
            );
        }
        if changes.len() > 16 {
            break;
        }
    }
    changes
}

fn grouped(trial: &Trial<'_>, at: &Selector, sum: &Path, right: &Operand) -> Changes {
    let mut changes = fields(trial, at, sum);
    let Some(Datum::Integer(bound)) = read(right, trial.good) else {
        return changes;
    };
    let zero = all_of(trial, at, sum, "0");
    let above = all_of(trial, at, sum, &(bound + 1).to_string());
    changes.extend([zero, above]);
    changes
}

fn all_of(trial: &Trial<'_>, at: &Selector, path: &Path, json: &str) -> Vec<Edit> {
    let set = |(place, row): (Steps, Value<'_>)| {
        let (place, _) = field(&place, row, path)?;
        Some(Edit::set(at.artifact, place, json))
    };
    rows(trial, at).into_iter().filter_map(set).collect()
}

/// One identity becomes another one.
fn copied(trial: &Trial<'_>, tuples: &[Vec<Selector>]) -> Changes {
    let mut changes = Changes::new();
    for (from, into) in tuples
        .iter()
        .zip(&tuples[1..])
        .flat_map(|(a, b)| [(a, b), (b, a)])
    {
        let copy = |(from, into): (&Selector, &Selector)| {
            let (_, value) = rows(trial, from).pop()?;
            let place = places(trial, into).pop()?;
            Some(Edit::set(into.artifact, place, value.text()))
        };
        changes.extend(from.iter().zip(into).map(copy).collect::<Option<Vec<_>>>());
    }
    changes
}

/// One of two equal documents gets something more, or something else.
fn differing(trial: &Trial<'_>, left: &Selector, right: &Selector) -> Changes {
    let mut changes = Changes::new();
    for at in [right, left] {
        for (place, value) in rows(trial, at) {
            if value.is_container() {
                let like = value.children().last().map_or("0", |child| child.text());
                for json in [like, "0"] {
                    let insert = Change::Insert(NEW.to_owned(), json.to_owned());
                    changes.push(vec![Edit::Json(at.artifact, place.clone(), insert)]);
                }
            }
            changes.extend(
                others(value)
                    .into_iter()
                    .map(|json| vec![Edit::set(at.artifact, place.clone(), json)]),
            );
            changes.extend(leaves(at.artifact, &place, value));
        }
    }
    changes
}

/// Plain members of an object, each of which could be the one that nothing else reads.
fn leaves(artifact: u32, place: &Steps, value: Value<'_>) -> Changes {
    if value.kind() != Kind::Object {
        return Changes::new();
    }
    let plain = value.members().filter(|(_, value)| !value.is_container());
    let change = |(key, value): (std::borrow::Cow<'_, str>, Value<'_>)| {
        let place = place.iter().cloned().chain([key.into_owned()]).collect();
        let other = others(value).into_iter().next()?;
        Some(vec![Edit::set(artifact, place, other)])
    };
    plain.filter_map(change).take(16).collect()
}

fn unmatched(text: &str, artifact: u32, regex: &regex::Regex) -> Changes {
    let found: Vec<_> = regex
        .find_iter(text)
        .filter(|found| !found.is_empty())
        .collect();
    let remove = found
        .iter()
        .map(|found| Edit::Text(artifact, found.start(), found.end(), String::new()));
    let mut changes: Changes = vec![remove.collect()];
    // Each character in turn: some of them other rules do not look at.
    let longest = found
        .iter()
        .map(|found| found.as_str().chars().count())
        .max()
        .unwrap_or(0);
    for nth in (0..longest).rev().step_by((longest / 12).max(1)) {
        let alter = |found: &regex::Match<'_>| {
            let (at, c) = found.as_str().char_indices().nth(nth)?;
            let start = found.start() + at;
            Some(Edit::Text(
                artifact,
                start,
                start + c.len_utf8(),
                "~".to_owned(),
            ))
        };
        changes.push(found.iter().filter_map(alter).collect());
    }
    changes.retain(|change| !change.is_empty());
    changes
}

fn matched(trial: &Trial<'_>, artifact: u32, pattern: &str) -> Changes {
    let Some(sample) = sample::matching(pattern) else {
        return Changes::new();
    };
    let end = trial.text(artifact).len();
    vec![
        vec![Edit::Text(artifact, end, end, format!("\n{sample}\n"))],
        vec![Edit::Text(artifact, 0, 0, format!("{sample}\n"))],
        vec![Edit::Text(artifact, end, end, sample)],
    ]
}
