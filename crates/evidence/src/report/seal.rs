//! What is said of a bundle's seal, before any rule.

use super::build::blank;
use super::{About, Judgement};
use crate::Spec;
use crate::bundle::{MANIFEST, Seal};
use crate::outcome::{Failure, Outcome, Place};

/// The id under which the seal of a bundle is reported.
pub(crate) const SEALED: &str = "bundle.sealed";
/// The id under which an envelope that was signed for a bundle is reported.
pub(crate) const ATTESTED: &str = "bundle.attested";
/// How many flaws a message names.
const NAMED: usize = 4;

pub(super) fn judgement(spec: &Spec, seal: &Seal) -> Judgement {
    let first = seal.0.first();
    let path = first.map_or(MANIFEST, |flaw| &flaw.path);
    let failure = first.map(|flaw| Failure {
        kind: flaw.kind,
        message: message(seal),
        help: None,
        excerpt: None,
    });
    Judgement {
        outcome: Outcome::Judged(seal.verdict()),
        failure: failure.map(Box::new),
        place: Some(Place {
            path: path.into(),
            span: None,
        }),
        ..blank(spec, About::Seal)
    }
}

fn message(seal: &Seal) -> String {
    let shown = seal.0.iter().take(NAMED);
    let shown = shown.map(|flaw| {
        let path = flaw.path.escape_debug();
        format!("{} `{path}`: {}", flaw.kind.name(), flaw.message)
    });
    let shown: Vec<String> = shown.collect();
    let more = match seal.0.len() - shown.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    shown.join("; ") + &more
}
