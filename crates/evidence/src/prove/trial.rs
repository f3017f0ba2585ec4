//! Judging a changed bundle, asking again only the rules that the change can reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::edit::{Change, Edit, render};
use crate::engine::{Bundle, Failed, Held, Loaded, State, examine, settle};
use crate::json::Value;
use crate::source::ReadError;
use crate::spec::artifact::ArtifactKind;
use crate::spec::check::Check;
use crate::{Spec, Terms};

/// A spec and a bundle that it proves.
pub(super) struct Trial<'t> {
    pub(super) spec: &'t Spec,
    pub(super) good: &'t Bundle,
    terms: &'t Terms,
    known: Vec<Result<Held, Failed>>,
    reads: Vec<Vec<u32>>,
    pub(super) ties: Vec<super::ties::Tie>,
}

impl<'t> Trial<'t> {
    pub(super) fn new(spec: &'t Spec, good: &'t Bundle, terms: &'t Terms) -> Self {
        let numbers = 0..u32::try_from(spec.rules().len()).unwrap_or(u32::MAX);
        let known = numbers.map(|rule| examine(spec, rule, good)).collect();
        let reads = spec
            .rules()
            .iter()
            .map(|rule| rule.check.artifacts())
            .collect();
        let ties = super::ties::of(spec, good);
        Self {
            spec,
            good,
            terms,
            known,
            reads,
            ties,
        }
    }

    pub(super) fn is_by_absence(&self, rule: u32) -> bool {
        let known = &self.known[rule as usize];
        known.as_ref().is_ok_and(|held| held.by_absence)
    }

    /// The root of a JSON artifact of the good bundle.
    pub(super) fn root(&self, artifact: u32) -> Option<Value<'t>> {
        self.good.json(artifact).ok()
    }

    pub(super) fn text(&self, artifact: u32) -> &'t str {
        self.good.text(artifact).unwrap_or_default()
    }

    /// The changed bundle and what becomes of each rule; none if the edits do not fit together.
    pub(super) fn run(&self, edits: &[Edit]) -> Option<(Bundle, Vec<State>)> {
        let bundle = self.changed(edits)?;
        let listed = bundle.files != self.good.files;
        let touched = |artifact: &u32| {
            let at = *artifact as usize;
            !Arc::ptr_eq(&bundle.loaded[at], &self.good.loaded[at])
        };
        let states = settle(self.spec, &bundle, self.terms, |rule| {
            let at = rule as usize;
            let lists = matches!(
                self.spec.rule(rule).check,
                Check::Files { .. } | Check::Veto { .. }
            );
            if (lists && listed) || self.reads[at].iter().any(touched) {
                examine(self.spec, rule, &bundle)
            } else {
                self.known[at].clone()
            }
        });
        Some((bundle, states))
    }

    fn changed(&self, edits: &[Edit]) -> Option<Bundle> {
        let mut bundle = self.good.clone();
        let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            match (edit.artifact(), edit) {
                (Some(at), _) => by_file
                    .entry(&self.spec.artifact(at).file)
                    .or_default()
                    .push(edit),
                (None, edit) => listed(bundle.files.as_mut().ok()?, edit)?,
            }
        }
        for (file, edits) in by_file {
            self.change(&mut bundle, file, &edits)?;
        }
        bundle.files.as_mut().ok()?.sort_unstable();
        Some(bundle)
    }

    fn change(&self, bundle: &mut Bundle, file: &str, edits: &[&Edit]) -> Option<()> {
        let first = edits.first()?.artifact()?;
        let bytes = match edits {
            [Edit::Remove(_)] => None,
            [Edit::Truncate(at, left)] => Some(self.text(*at).as_bytes().get(..*left)?.to_vec()),
            edits => Some(self.written(first, edits)?.into_bytes()),
        };
        if bytes.is_none() {
            bundle.files.as_mut().ok()?.retain(|path| path != file);
        }
        for (at, artifact) in (0..).zip(self.spec.artifacts()) {
            if *artifact.file == *file {
                let loaded = match &bytes {
                    None => Loaded::unread(at, artifact, &ReadError::Missing),
                    Some(bytes) => Loaded::of_bytes(at, artifact, bytes.clone(), self.terms),
                };
                bundle.loaded[at as usize] = Arc::new(loaded);
            }
        }
        Some(())
    }

    fn written(&self, artifact: u32, edits: &[&Edit]) -> Option<String> {
        match self.spec.artifact(artifact).kind {
            ArtifactKind::Text => spliced(self.text(artifact), edits),
            ArtifactKind::JsonLines => self.lines(artifact, edits),
            ArtifactKind::Json | ArtifactKind::Status => {
                Some(render(self.root(artifact)?, &changes(edits)?))
            }
        }
    }

    /// Elements of the root are lines of their own, each without a line break in it.
    fn lines(&self, artifact: u32, edits: &[&Edit]) -> Option<String> {
        let array = render(self.root(artifact)?, &changes(edits)?);
        let doc = crate::json::Doc::parse(array, self.terms.depth()).ok()?;
        let lines: Vec<String> = doc
            .root()
            .children()
            .map(|line| format!("{}\n", line.text()))
            .collect();
        Some(lines.concat())
    }
}

/// A file comes that was not there, or one goes that was.
fn listed(files: &mut Vec<String>, edit: &Edit) -> Option<()> {
    let found = |path: &String| files.iter().position(|known| known == path);
    match edit {
        Edit::Add(path) => match found(path) {
            None => files.push(path.clone()),
            Some(_) => return None,
        },
        Edit::Hide(path) => drop(files.remove(found(path)?)),
        _ => {}
    }
    Some(())
}

fn changes<'e>(edits: &[&'e Edit]) -> Option<Vec<(&'e [String], &'e Change)>> {
    let change = |edit: &&'e Edit| match edit {
        Edit::Json(_, steps, change) => Some((steps.as_slice(), change)),
        _ => None,
    };
    edits.iter().map(change).collect()
}

/// Replaces pieces of a text; none if two of them overlap.
fn spliced(text: &str, edits: &[&Edit]) -> Option<String> {
    let piece = |edit: &&Edit| match edit {
        Edit::Text(_, start, end, new) => Some((*start, *end, new.clone())),
        _ => None,
    };
    let mut pieces: Vec<_> = edits.iter().map(piece).collect::<Option<_>>()?;
    pieces.sort_unstable();
    pieces.dedup();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end, new) in pieces {
        out.push_str(text.get(done..start)?);
        out.push_str(&new);
        done = end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}
