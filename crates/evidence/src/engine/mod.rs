//! From a spec and a bundle to what becomes of each rule. Reads nothing but through the source, and stops at nothing.

mod checks;
mod content;
mod datum;
mod found;
mod judge;
mod load;
mod operand;
mod select;

pub(crate) use datum::{Datum, typed};
pub(crate) use found::{Cite, Failed, Held};
pub(crate) use judge::{State, settle};
pub(crate) use load::{Bundle, Loaded};
pub(crate) use operand::{Capture, captures, evaluate};
pub(crate) use select::{select, within};

use crate::report::Report;
use crate::{Source, Spec, Terms};

/// Judges a bundle: every rule of the spec, whatever the others say.
///
/// The report is a function of the spec, the terms and the bytes of the bundle alone.
pub fn verify(spec: &Spec, source: &dyn Source, terms: &Terms) -> Report {
    let bundle = Bundle::load(spec, source, terms);
    let results = judge::all(spec, &bundle, terms);
    Report::new(spec, &bundle, &results, terms)
}

/// What each check finds when it is asked alone, whatever its prerequisites say.
pub(crate) fn examine(spec: &Spec, rule: u32, bundle: &Bundle) -> Result<Held, Failed> {
    checks::examine(&spec.rule(rule).check, spec, bundle)
}
