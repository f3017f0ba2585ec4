//! Checks of the list of files.

use std::collections::BTreeSet;

use super::super::found::{Cite, Failed, Held, show};
use super::super::load::Bundle;
use super::Judged;
use super::agree::strings;
use crate::Spec;
use crate::outcome::FailureKind;
use crate::spec::check::Check;
use crate::spec::glob;
use crate::spec::selector::Selector;

pub(super) fn files(check: &Check, bundle: &Bundle) -> Judged {
    let Check::Files {
        glob,
        least,
        most,
        equals,
    } = check
    else {
        return Ok(Held::default());
    };
    let found: BTreeSet<String> = matching(glob, bundle)?.map(str::to_owned).collect();
    if let Some(failed) = found.iter().find_map(|path| bundle.irregular.get(path)) {
        return Err(failed.clone());
    }
    let count = found.len();
    if count < *least {
        let message =
            format!("{count} files match `{glob}`, and it takes {least} to have examined anything");
        return Err(Failed::new(FailureKind::NothingExamined, message));
    }
    if most.is_some_and(|most| count > most) {
        let message = format!(
            "{count} files match `{glob}`, more than {}",
            most.unwrap_or_default()
        );
        return Err(Failed::new(FailureKind::WrongFiles, message));
    }
    match equals {
        Some(at) => named(&found, at, bundle),
        None => Ok(Held::default()),
    }
}

/// They are those that an artifact names.
fn named(found: &BTreeSet<String>, at: &Selector, bundle: &Bundle) -> Judged {
    let wanted = strings(at, bundle)?;
    let extra = found
        .difference(&wanted)
        .next()
        .map(|name| format!("`{}` is there and not in {at}", show(name)));
    let lost = wanted
        .difference(found)
        .next()
        .map(|name| format!("`{}` is in {at} and not there", show(name)));
    match lost.or(extra) {
        None => Ok(Held::at([Cite::whole(at.artifact)])),
        Some(message) => Err(Failed::new(FailureKind::WrongFiles, message)),
    }
}

pub(super) fn veto(glob: &str, spec: &Spec, bundle: &Bundle) -> Judged {
    let Some(found) = matching(glob, bundle)?.next() else {
        return Ok(Held::default());
    };
    let message = format!("`{}` marks the bundle as invalid", show(found));
    let artifact = spec
        .artifacts()
        .iter()
        .position(|artifact| *artifact.file == *found);
    let cite = artifact
        .and_then(|at| u32::try_from(at).ok())
        .map(Cite::whole);
    Err(Failed::new(FailureKind::Vetoed, message).maybe_at(cite))
}

fn matching<'b>(
    pattern: &'b str,
    bundle: &'b Bundle,
) -> Result<impl Iterator<Item = &'b str>, Failed> {
    let listed = bundle.files.as_ref();
    let files = listed.map_err(|error| Failed::new(FailureKind::Unlisted, error.clone()))?;
    let names = files.iter().map(String::as_str);
    Ok(names.filter(move |name| glob::matches(pattern, name)))
}
