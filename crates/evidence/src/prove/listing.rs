//! Changes of what files there are.

use std::collections::BTreeSet;

use super::breaks::{Changes, rows, values};
use super::edit::{Change, Edit, NEW};
use super::trial::Trial;
use crate::engine::{Bundle, select};
use crate::json::quote;
use crate::spec::glob;
use crate::spec::selector::Selector;

/// How many files one change adds.
const MOST: usize = 32;

/// What a rule wants of the files of a name.
pub(super) struct Wanted<'c> {
    pub(super) glob: &'c str,
    pub(super) least: usize,
    pub(super) most: Option<usize>,
    pub(super) equals: Option<&'c Selector>,
}

/// A file of that name.
pub(super) fn marked(trial: &Trial<'_>, glob: &str) -> Changes {
    added(trial.good, glob, 1).into_iter().collect()
}

/// More files than there may be, fewer than it takes, or others than those of the list.
pub(super) fn broken(trial: &Trial<'_>, wanted: &Wanted<'_>) -> Changes {
    let there = matching(trial.good, wanted.glob);
    let listed = wanted.equals.map(|at| values(trial, at));
    let mut changes = listed.unwrap_or_default();
    let more = match wanted.equals {
        Some(_) => Some(1),
        None => wanted.most.map(|most| most + 1 - there.len().min(most)),
    };
    changes.extend(more.and_then(|more| added(trial.good, wanted.glob, more)));
    changes.extend(there.iter().take(8).map(|path| vec![gone(trial, path)]));
    let kept = wanted.least.saturating_sub(1);
    changes.push(fewer(trial, &there, kept));
    changes
}

/// All but so many are taken away; first those that are no artifacts, since nothing else asks for them.
fn fewer(trial: &Trial<'_>, there: &[&str], kept: usize) -> Vec<Edit> {
    let edits = there.iter().map(|path| gone(trial, path));
    let (free, artifacts): (Vec<_>, Vec<_>) = edits.partition(|edit| edit.artifact().is_none());
    let taken = there.len().saturating_sub(kept);
    free.into_iter().chain(artifacts).take(taken).collect()
}

fn gone(trial: &Trial<'_>, path: &str) -> Edit {
    let mut artifacts = (0..).zip(trial.spec.artifacts());
    let artifact = artifacts.find(|(_, artifact)| *artifact.file == *path);
    artifact.map_or_else(|| Edit::Hide(path.to_owned()), |(at, _)| Edit::Remove(at))
}

/// So many more files that match; none if there are no such names.
fn added(bundle: &Bundle, glob: &str, more: usize) -> Option<Vec<Edit>> {
    let taken: BTreeSet<&str> = files(bundle).collect();
    let fits = |name: &String| glob::matches(glob, name) && !taken.contains(&**name);
    let names = (0..2 * MOST).map(|number| name(glob, number)).filter(fits);
    // A pattern without wildcards has one name.
    let names: BTreeSet<String> = names.collect();
    let edits: Vec<Edit> = names.into_iter().take(more).map(Edit::Add).collect();
    (more > 0 && edits.len() == more).then_some(edits)
}

fn name(glob: &str, number: usize) -> String {
    let digits = match number {
        0 => String::new(),
        number => number.to_string(),
    };
    let one = digits.chars().last().unwrap_or('x');
    let part = |part: &str| match part {
        "**" => NEW.to_owned(),
        part => part
            .replace('*', &format!("x{digits}"))
            .replace('?', &one.to_string()),
    };
    glob.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn files(bundle: &Bundle) -> impl Iterator<Item = &str> {
    bundle.files.iter().flatten().map(String::as_str)
}

fn matching<'b>(bundle: &'b Bundle, pattern: &str) -> Vec<&'b str> {
    files(bundle)
        .filter(|path| glob::matches(pattern, path))
        .collect()
}

/// Edits after which files and list agree again, and there are enough of them.
pub(super) fn repaired(trial: &Trial<'_>, wanted: &Wanted<'_>, bundle: &Bundle) -> Vec<Vec<Edit>> {
    let there = matching(bundle, wanted.glob);
    let missing = wanted.least.saturating_sub(there.len());
    let mut repairs: Vec<_> = added(bundle, wanted.glob, missing).into_iter().collect();
    if let Some(at) = wanted.equals {
        repairs.extend(listed(trial, at, &there, bundle));
    }
    repairs
}

/// The list gets what is there, and loses what is not.
fn listed(trial: &Trial<'_>, at: &Selector, there: &[&str], bundle: &Bundle) -> Option<Vec<Edit>> {
    let named: Vec<_> = rows(trial, at)
        .into_iter()
        .filter_map(|(place, value)| Some((place, value.string()?.into_owned())))
        .collect();
    let lost = named
        .iter()
        .filter(|(_, name)| !there.contains(&&**name))
        .map(|(place, _)| Edit::Json(at.artifact, place.clone(), Change::Delete));
    let holder = named.first()?.0.split_last()?.1;
    let now = select(at, bundle).ok()?;
    let known: Vec<_> = now
        .values
        .iter()
        .filter_map(|value| value.string())
        .collect();
    let new = there
        .iter()
        .filter(|name| !known.iter().any(|known| known == *name))
        .map(|name| {
            let insert = Change::Insert((*name).to_owned(), quote(name));
            Edit::Json(at.artifact, holder.to_vec(), insert)
        });
    Some(lost.chain(new).collect())
}
