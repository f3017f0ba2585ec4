//! Each check: what it finds in a bundle.

mod agree;
mod listing;
mod rows;
mod series;
mod texts;
mod values;

use super::found::{Cite, Failed, Held};
use super::load::Bundle;
use crate::Spec;
use crate::spec::check::Check;

type Judged = Result<Held, Failed>;

pub(super) fn examine(check: &Check, spec: &Spec, bundle: &Bundle) -> Judged {
    match check {
        Check::Present(artifact) => present(*artifact, bundle),
        Check::Parse(artifact) => parse(*artifact, bundle),
        Check::Cmp(comparison) => values::cmp(comparison, bundle),
        Check::When { when, then } => values::when(when, then, bundle),
        Check::OneOf {
            at,
            values,
            absent,
            kind,
        } => values::one_of(at, values, *absent, *kind, bundle),
        Check::Absent { at } => values::absent(at, bundle),
        Check::EachMatches { at, regex, least } => values::each_matches(at, regex, *least, bundle),
        Check::EachTyped { at, ty, least } => values::each_typed(at, *ty, *least, bundle),
        Check::Row {
            rows,
            fields,
            equals,
        } => rows::row(rows, fields, equals, bundle),
        Check::SomeRow {
            rows,
            conditions,
            window,
        } => rows::some_row(rows, conditions, window, bundle),
        Check::NoRow {
            rows,
            conditions,
            least,
        } => rows::no_row(rows, conditions, *least, bundle),
        Check::RowSum {
            rows,
            parts,
            total,
            least,
        } => rows::row_sum(rows, parts, total, *least, bundle),
        Check::Series { trend, series } => series::trend(*trend, series, bundle),
        Check::RunLength { .. } => series::run_length(check, bundle),
        Check::Group { .. } => series::group(check, bundle),
        Check::Distinct { tuples } => agree::distinct(tuples, bundle),
        Check::Same {
            left,
            right,
            ignore,
        } => agree::same(left, right, ignore, bundle),
        Check::SameSet { sets, least } => agree::same_set(sets, *least, bundle),
        Check::Project { .. } => agree::project(check, bundle),
        Check::Matches { text, regex } => texts::matches(*text, regex, bundle),
        Check::NotMatches { text, regex } => texts::not_matches(*text, regex, bundle),
        Check::Prefix { short, long, least } => texts::prefix(short, long, *least, bundle),
        Check::Sha256 { of, equals } => texts::sha256(*of, equals, bundle),
        Check::Files { .. } => listing::files(check, bundle),
        Check::Veto { glob } => listing::veto(glob, spec, bundle),
    }
}

fn present(artifact: u32, bundle: &Bundle) -> Judged {
    let cite = Cite::whole(artifact);
    match &bundle.loaded[artifact as usize].present {
        Ok(super::load::Presence::There) => Ok(Held::at([cite])),
        Ok(super::load::Presence::Absent) => Ok(Held::absent(cite)),
        Err(failed) => Err(failed.clone()),
    }
}

fn parse(artifact: u32, bundle: &Bundle) -> Judged {
    match &bundle.loaded[artifact as usize].content {
        Ok(_) => Ok(Held::at([Cite::whole(artifact)])),
        Err(failed) => Err(failed.clone()),
    }
}
