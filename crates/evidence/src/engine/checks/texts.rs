//! Checks of texts and bytes.

use regex::Regex;

use super::super::content;
use super::super::datum::Datum;
use super::super::found::{Cite, Failed, Held, show};
use super::super::load::Bundle;
use super::super::operand::evaluate;
use super::Judged;
use crate::outcome::FailureKind;
use crate::spec::operand::Operand;

pub(super) fn matches(artifact: u32, regex: &Regex, bundle: &Bundle) -> Judged {
    match regex.find(bundle.text(artifact)?) {
        Some(found) => Ok(Held::at([Cite::bytes(
            artifact,
            found.start(),
            found.end(),
        )])),
        None => {
            let message = format!("nothing in the text matches `{regex}`");
            Err(Failed::new(FailureKind::NoMatch, message).at(Cite::whole(artifact)))
        }
    }
}

pub(super) fn not_matches(artifact: u32, regex: &Regex, bundle: &Bundle) -> Judged {
    let text = bundle.text(artifact)?;
    if text.trim().is_empty() {
        let message = "a text of blanks, in which nothing is shown by what is not there";
        return Err(Failed::new(FailureKind::NothingExamined, message).at(Cite::whole(artifact)));
    }
    let Some(found) = regex.find(text) else {
        return Ok(Held::at([Cite::whole(artifact)]));
    };
    let message = format!(
        "`{}` matches `{regex}`, and nothing should",
        show(found.as_str())
    );
    let cite = Cite::bytes(artifact, found.start(), found.end());
    Err(Failed::new(FailureKind::UnwantedMatch, message).at(cite))
}

pub(super) fn prefix(short: &Operand, long: &Operand, least: usize, bundle: &Bundle) -> Judged {
    let (short, long) = (evaluate(short, bundle)?, evaluate(long, bundle)?);
    let (a, b) = (plain(&short.datum), plain(&long.datum));
    if a.chars().count() >= least && b.starts_with(&a) {
        return Ok(Held::at(short.cite.into_iter().chain(long.cite)));
    }
    let message = match b.starts_with(&a) {
        true => format!("`{}` has fewer than {least} characters", show(&a)),
        false => format!("`{}` does not begin with `{}`", show(&b), show(&a)),
    };
    Err(Failed::new(FailureKind::NotPrefix, message).maybe_at(short.cite.or(long.cite)))
}

fn plain(datum: &Datum<'_>) -> String {
    match datum {
        Datum::Text(text) => text.clone().into_owned(),
        other => other.to_string(),
    }
}

pub(super) fn sha256(of: u32, equals: &Operand, bundle: &Bundle) -> Judged {
    let found = content::sha256(bundle.text(of)?.as_bytes());
    let wanted = evaluate(equals, bundle)?;
    if plain(&wanted.datum).to_ascii_lowercase() == found {
        return Ok(Held::at([Cite::whole(of)].into_iter().chain(wanted.cite)));
    }
    let message = format!("the sha256 is {found}, and {equals} says {}", wanted.datum);
    Err(Failed::new(FailureKind::WrongDigest, message).at(Cite::whole(of)))
}
