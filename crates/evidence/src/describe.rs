//! A check in words.

use std::fmt::Write;

use crate::Spec;
use crate::spec::check::{Absent, Bound, Check, Comparison, Condition, Series, Trend};
use crate::spec::operand::Type;
use crate::spec::selector::{Literal, Selector};

/// What a check demands, on one line.
pub(crate) fn describe(check: &Check, spec: &Spec) -> String {
    let file = |artifact: &u32| spec.artifact(*artifact).file.clone();
    match check {
        Check::Present(at) => format!("{} is there, and is a regular file", file(at)),
        Check::Parse(at) => format!("{} can be read, and has its shape", file(at)),
        Check::Cmp(comparison) => compare(comparison),
        Check::When { when, then } => format!("when {}: {}", compare(when), compare(then)),
        Check::OneOf {
            at, values, absent, ..
        } => one_of(at, values, *absent),
        Check::Absent { at } => format!("nothing is at {at}"),
        Check::EachMatches { at, regex, least } => {
            several(format!("every value at {at} matches `{regex}`"), *least)
        }
        Check::EachTyped { at, ty, least } => {
            several(format!("every value at {at} is {}", ty.name()), *least)
        }
        Check::Row {
            rows,
            fields,
            equals,
        } => row(rows, fields, equals),
        Check::SomeRow {
            rows,
            conditions,
            window,
        } => some_row(rows, conditions, window),
        Check::NoRow {
            rows,
            conditions,
            least,
        } => several(format!("no row of {rows} has {}", all(conditions)), *least),
        Check::RowSum { rows, least, .. } => {
            let words = format!("in every row of {rows} the parts add up to the total");
            several(words, *least)
        }
        Check::Series { trend, series } => trend_of(*trend, series),
        Check::RunLength { .. } | Check::Group { .. } => of_rows(check),
        Check::Distinct { tuples } => distinct(tuples),
        Check::Same {
            left,
            right,
            ignore,
        } => same(left, right, ignore),
        Check::SameSet { sets, least } => {
            let sets = join(sets.iter(), ", ");
            several(format!("one set of values at {sets}"), *least)
        }
        Check::Project { rows, equals, .. } => {
            format!("the rows of {rows} make the object {equals}")
        }
        Check::Matches { text, regex } => format!("{} has a match of `{regex}`", file(text)),
        Check::NotMatches { text, regex } => format!("{} has no match of `{regex}`", file(text)),
        Check::Prefix { short, long, least } => {
            format!("{short}, of at least {least} characters, begins {long}")
        }
        Check::Sha256 { of, equals } => format!("the sha256 of {} is {equals}", file(of)),
        Check::Files { .. } => files(check),
        Check::Veto { glob } => format!("no file matches `{glob}`"),
    }
}

fn compare(comparison: &Comparison) -> String {
    let Comparison { left, op, right } = comparison;
    let ty = match left.ty {
        Type::Any => String::new(),
        ty => format!(" as {}", ty.name()),
    };
    format!("{left} {} {right}{ty}", op.name())
}

fn one_of(at: &Selector, values: &[Literal], absent: Absent) -> String {
    let values: Vec<&str> = values.iter().map(Literal::text).collect();
    let or = match absent {
        Absent::Passes => ", or is absent",
        Absent::Fails => "",
    };
    format!("{at} is {}{or}", values.join(" or "))
}

/// The words, and of how many they have to be true.
fn several(words: String, least: usize) -> String {
    match least {
        1 => words,
        least => format!("{words}; at least {least} of them"),
    }
}

fn join<T: ToString>(items: impl Iterator<Item = T>, with: &str) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(with)
}

fn all(conditions: &[Condition]) -> String {
    let one = |condition: &Condition| format!("{} {}", condition.text, condition.value.text());
    conditions.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn row(
    rows: &Selector,
    fields: &[(crate::spec::selector::Path, String, Type)],
    equals: &[Condition],
) -> String {
    let mut out = format!("exactly one row {rows}");
    for (_, text, ty) in fields {
        let _ = write!(out, ", {text} {}", ty.name());
    }
    if !equals.is_empty() {
        let _ = write!(out, ", with {}", all(equals));
    }
    out
}

fn some_row(rows: &Selector, conditions: &[Condition], window: &[Bound]) -> String {
    let mut out = format!("some row of {rows} has {}", all(conditions));
    for bound in window {
        let _ = write!(out, ", its time {} {}", bound.op.name(), bound.than);
    }
    out
}

fn distinct(tuples: &[Vec<Selector>]) -> String {
    let tuple = |tuple: &Vec<Selector>| join(tuple.iter(), " with ");
    format!("all differ: {}", join(tuples.iter().map(tuple), "; "))
}

fn same(left: &Selector, right: &Selector, ignore: &[Vec<String>]) -> String {
    let ignored = ignore
        .iter()
        .map(|path| format!(" but /{}", path.join("/")));
    format!("{left} and {right} are equal{}", join(ignored, ""))
}

fn trend_of(trend: Trend, series: &Series) -> String {
    let values = match series {
        Series::Operands(operands) => join(operands.iter(), ", "),
        Series::Values(at, _) => at.to_string(),
    };
    match trend {
        Trend::Flat => format!("all equal: {values}"),
        Trend::Increasing => format!("each more than the one before: {values}"),
        Trend::Monotonic => format!("none less than the one before: {values}"),
        Trend::Interval(min, max) => format!("neighbours {min} to {max} apart: {values}"),
    }
}

fn of_rows(check: &Check) -> String {
    match check {
        Check::Group {
            rows, op, right, ..
        } => {
            format!("in every group of {rows} the sum is {} {right}", op.name())
        }
        Check::RunLength {
            rows,
            op,
            right,
            at_least,
            at_most,
            ..
        } => {
            let least = at_least.map(|n| format!(" at least {n}"));
            let most = at_most.map(|n| format!(" at most {n}"));
            let bounds: String = least.into_iter().chain(most).collect();
            format!(
                "rows of {rows} that are {} {right}, in a row:{bounds}",
                op.name()
            )
        }
        _ => String::new(),
    }
}

fn files(check: &Check) -> String {
    let Check::Files {
        glob,
        least,
        most,
        equals,
    } = check
    else {
        return String::new();
    };
    let mut out = several(format!("files match `{glob}`"), *least);
    if let Some(most) = most {
        let _ = write!(out, "; at most {most}");
    }
    if let Some(at) = equals {
        let _ = write!(out, "; they are those at {at}");
    }
    out
}
