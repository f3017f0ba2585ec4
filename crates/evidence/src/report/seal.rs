//! What is said of a bundle's seal, before any rule.

use super::Judgement;
use crate::bundle::{MANIFEST, Seal};
use crate::outcome::{Failure, Outcome, Place};

/// The id under which the seal of a bundle is reported.
pub(crate) const SEALED: &str = "bundle.sealed";
/// How many flaws a message names.
const NAMED: usize = 4;

pub(super) fn judgement(seal: &Seal) -> Judgement {
    let first = seal.0.first();
    let path = first.map_or(MANIFEST, |flaw| &flaw.path).to_owned();
    Judgement {
        id: SEALED.to_owned(),
        at: None,
        why: None,
        outcome: Outcome::Judged(seal.verdict()),
        failure: first.map(|flaw| Failure {
            kind: flaw.kind,
            message: message(seal),
            help: None,
            excerpt: None,
        }),
        place: Some(Place { path, span: None }),
        blocked_by: None,
        by_absence: false,
        waiver: None,
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
