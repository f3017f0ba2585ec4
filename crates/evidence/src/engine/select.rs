//! What a selector finds.

use super::found::{Cite, Failed, show};
use super::load::Bundle;
use crate::json::{Kind, Value, Values};
use crate::nearest::nearest;
use crate::outcome::FailureKind;
use crate::spec::selector::{Path, Segment, Selector};

/// The values that were found, and where the path ended if there are none.
pub(crate) struct Found<'d> {
    pub(crate) values: Values<'d>,
    pub(crate) gap: Option<Gap<'d>>,
}

/// Where a path ends without a value.
pub(crate) struct Gap<'d> {
    pub(crate) parent: Value<'d>,
    /// The segment that finds nothing there.
    segment: usize,
    /// Something is missing, as against: nothing is in the collection.
    missing: bool,
}

pub(crate) fn select<'b>(selector: &Selector, bundle: &'b Bundle) -> Result<Found<'b>, Failed> {
    let root = bundle.json(selector.artifact)?;
    Ok(within(&selector.path, root))
}

/// Follows a path from a value.
pub(crate) fn within<'d>(path: &Path, root: Value<'d>) -> Found<'d> {
    let mut values = Values::one(root);
    let mut branched = false;
    for (at, segment) in path.0.iter().enumerate() {
        let mut next = values.none();
        let mut fits = true;
        for value in values.iter() {
            fits &= step(segment, value, &mut next);
        }
        let missing = !branched && !fits;
        if next.is_empty() || missing {
            let gap = values.first().map(|parent| Gap {
                parent,
                segment: at,
                missing,
            });
            let values = values.none();
            return Found { values, gap };
        }
        branched |= !matches!(segment, Segment::Key(_));
        values = next;
    }
    Found { values, gap: None }
}

/// Adds what the segment finds in a value; says whether the value is such that it could.
fn step<'d>(segment: &Segment, value: Value<'d>, next: &mut Values<'d>) -> bool {
    match segment {
        Segment::Key(key) => {
            let found = value.child(key);
            next.extend(found);
            found.is_some()
        }
        Segment::Each => {
            next.extend(value.children());
            value.is_container()
        }
        Segment::Where(key, wanted) => {
            let fits = |row: &Value<'d>| {
                let found = row.get(key);
                found.is_some_and(|found| found.same(wanted.value()))
            };
            let array = value.kind() == Kind::Array;
            next.extend(value.children().filter(|row| array && fits(row)));
            array
        }
    }
}

impl Found<'_> {
    /// Whether the path is broken, as against: there is nothing in what it leads to.
    pub(crate) fn is_broken(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| gap.missing)
    }
}

/// The one value of a selector.
pub(crate) fn one<'b>(selector: &Selector, bundle: &'b Bundle) -> Result<Value<'b>, Failed> {
    let found = select(selector, bundle)?;
    let mut values = found.values.iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(nothing(selector, &found)),
        (Some(_), Some(second)) => {
            let count = found.values.len();
            let message = format!(
                "{count} values at {selector} where one is meant; `no_row`, with a `rows` that ends in `/*`, asks the same of all"
            );
            let cite = Cite::value(selector.artifact, second);
            Err(Failed::new(FailureKind::Ambiguous, message).at(cite))
        }
    }
}

/// The values of a selector, at least so many.
pub(crate) fn many<'b>(
    selector: &Selector,
    least: usize,
    bundle: &'b Bundle,
) -> Result<Values<'b>, Failed> {
    let found = select(selector, bundle)?;
    if found.is_broken() {
        return Err(nothing(selector, &found));
    }
    if found.values.len() >= least {
        return Ok(found.values);
    }
    let count = found.values.len();
    let message =
        format!("{count} values at {selector}, and it takes {least} to have examined anything");
    let cite = found
        .gap
        .map(|gap| Cite::value(selector.artifact, gap.parent));
    Err(Failed::new(FailureKind::NothingExamined, message).maybe_at(cite))
}

/// Nothing is there: what is missing, where, and what comes nearest.
pub(crate) fn nothing(selector: &Selector, found: &Found<'_>) -> Failed {
    let Some(gap) = &found.gap else {
        return Failed::new(FailureKind::MissingValue, format!("nothing at {selector}"));
    };
    let segment = &selector.path.0[gap.segment];
    let cite = Cite::value(selector.artifact, gap.parent);
    describe(segment, gap.parent, &selector.to_string()).at(cite)
}

fn describe(segment: &Segment, parent: Value<'_>, whole: &str) -> Failed {
    let kind = parent.kind().name();
    match segment {
        Segment::Key(key) => {
            let message = format!("nothing at {whole}: {kind} without `{key}`");
            let names: Vec<_> = parent.members().map(|(name, _)| name).collect();
            let near = nearest(key, names.iter().map(|name| &**name));
            let help = near.map(|name| format!("there is `{name}`"));
            Failed::new(FailureKind::MissingValue, message).help(help.unwrap_or_default())
        }
        Segment::Each => {
            let message = format!("nothing at {whole}: {kind} where a collection should be");
            Failed::new(FailureKind::MissingValue, message)
        }
        Segment::Where(key, wanted) if parent.kind() == Kind::Array => {
            let message = format!("no row of {whole} has `{key}` {}", show(wanted.text()));
            Failed::new(FailureKind::NoSuchRow, message).help(nearest_row(
                parent,
                key,
                wanted.text(),
            ))
        }
        Segment::Where(..) => {
            let message = format!("nothing at {whole}: {kind} where rows should be");
            Failed::new(FailureKind::MissingValue, message)
        }
    }
}

fn nearest_row(rows: Value<'_>, key: &str, wanted: &str) -> String {
    let found = rows.children().filter_map(|row| row.get(key));
    let texts: Vec<&str> = found.take(1000).map(Value::text).collect();
    if let Some(near) = nearest(wanted, texts.iter().copied()) {
        return format!("the nearest row has {near}");
    }
    let some: Vec<String> = texts.iter().take(3).map(|text| show(text)).collect();
    match some.is_empty() {
        true => format!("no row has `{key}` at all"),
        false => format!("there are rows with {}", some.join(", ")),
    }
}

impl Gap<'_> {
    /// Whether it is the last segment that finds nothing.
    pub(crate) fn is_last(&self, path: &Path) -> bool {
        self.segment + 1 == path.0.len()
    }
}
