//! From files to artifacts.

use std::collections::HashMap;
use std::sync::Arc;

use super::found::{Cite, Failed, show};
use crate::bundle::{self, MANIFEST, Seal};
use crate::json::{Body, Doc, Value};
use crate::outcome::FailureKind;
use crate::source::ReadError;
use crate::spec::artifact::Artifact;
use crate::spec::check::Check;
use crate::spec::glob;
use crate::spec::rule::Rule;
use crate::{Source, Spec, Terms};

/// The artifacts of a spec as they were found, and the list of all files.
#[derive(Clone)]
pub(crate) struct Bundle {
    /// Sorted; or why there is no list.
    pub(crate) files: Result<Vec<String>, String>,
    /// Those of them that a rule counts and that are no files, with what they are.
    pub(crate) irregular: HashMap<String, Failed>,
    pub(crate) loaded: Vec<Arc<Loaded>>,
    /// None of one that has no manifest.
    pub(crate) seal: Option<Seal>,
}

pub(crate) struct Loaded {
    pub(crate) present: Result<Presence, Failed>,
    pub(crate) content: Result<Content, Failed>,
    /// The text of one that was not accepted, to show where.
    refused: Option<Box<Body>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Presence {
    There,
    /// It may be absent, and is.
    Absent,
}

pub(crate) enum Content {
    Json(Doc),
    Text(Body),
}

impl Content {
    pub(crate) fn body(&self) -> &Body {
        match self {
            Self::Json(doc) => doc.body(),
            Self::Text(body) => body,
        }
    }
}

impl Bundle {
    pub(crate) fn load(spec: &Spec, source: &dyn Source, terms: &Terms) -> Self {
        // Before the artifacts: it reads every file, too, and keeps none.
        let reads = spec.artifacts().iter().any(|one| *one.file == *MANIFEST);
        let seal = bundle::check(source, reads, terms);
        let artifacts = (0..).zip(spec.artifacts());
        let load = |(at, artifact)| Arc::new(Loaded::read(at, artifact, source, terms));
        let loaded = artifacts.map(load).collect();
        let files = source.list(terms).map_err(|error| error.to_string());
        let files = files.map(|mut files| {
            files.sort_unstable();
            files
        });
        let irregular = irregular(spec, files.iter().flatten(), source, terms);
        Self {
            files,
            irregular,
            loaded,
            seal,
        }
    }

    fn content(&self, artifact: u32) -> Result<&Content, Failed> {
        let loaded = &self.loaded[artifact as usize];
        loaded.content.as_ref().map_err(Clone::clone)
    }

    /// The root of a JSON artifact.
    pub(crate) fn json(&self, artifact: u32) -> Result<Value<'_>, Failed> {
        match self.content(artifact)? {
            Content::Json(doc) => Ok(doc.root()),
            Content::Text(_) => Err(Failed::new(FailureKind::BadJson, "this is text")),
        }
    }

    /// The text of an artifact of any kind.
    pub(crate) fn text(&self, artifact: u32) -> Result<&str, Failed> {
        Ok(self.content(artifact)?.body().text())
    }

    pub(crate) fn body(&self, artifact: u32) -> Option<&Body> {
        let loaded = &self.loaded[artifact as usize];
        let accepted = loaded.content.as_ref().ok().map(Content::body);
        accepted.or(loaded.refused.as_deref())
    }
}

/// Asked for no bytes, a source says what a path is, and reads nothing.
fn irregular<'f>(
    spec: &Spec,
    files: impl Iterator<Item = &'f String>,
    source: &dyn Source,
    terms: &Terms,
) -> HashMap<String, Failed> {
    let terms = terms.clone().max_file(0);
    let globs: Vec<&str> = spec.rules().iter().filter_map(counted).collect();
    let is_counted = |path: &&String| globs.iter().any(|glob| glob::matches(glob, path));
    let look = |path: &String| match source.read(path, &terms) {
        Err(error @ ReadError::NotAFile(_)) => {
            let message = format!("{}: {error}", show(path));
            Some((path.clone(), Failed::new(FailureKind::NotAFile, message)))
        }
        _ => None,
    };
    files.filter(is_counted).filter_map(look).collect()
}

fn counted(rule: &Rule) -> Option<&str> {
    match &rule.check {
        Check::Files { glob, .. } => Some(glob),
        _ => None,
    }
}

impl Loaded {
    fn read(at: u32, artifact: &Artifact, source: &dyn Source, terms: &Terms) -> Self {
        match source.read(&artifact.file, terms) {
            Ok(bytes) => Self::of_bytes(at, artifact, bytes, terms),
            Err(error) => Self::unread(at, artifact, &error),
        }
    }

    pub(crate) fn of_bytes(at: u32, artifact: &Artifact, bytes: Vec<u8>, terms: &Terms) -> Self {
        let (content, refused) = match super::content::read(at, artifact, bytes, terms) {
            Ok(content) => (Ok(content), None),
            Err(rejected) => (Err(rejected.failed), rejected.body),
        };
        Self {
            present: Ok(Presence::There),
            content,
            refused,
        }
    }

    pub(crate) fn unread(at: u32, artifact: &Artifact, error: &ReadError) -> Self {
        let kind = match error {
            ReadError::Missing => FailureKind::MissingArtifact,
            ReadError::NotAFile(_) => FailureKind::NotAFile,
            ReadError::TooLarge { .. } => FailureKind::TooLarge,
            ReadError::Changed | ReadError::Refused(_) => FailureKind::Unreadable,
        };
        let message = format!("{}: {error}", show(&artifact.file));
        let failed = Failed::new(kind, message).at(Cite::whole(at));
        let content = Err(failed.clone());
        let present = match kind {
            FailureKind::MissingArtifact if artifact.optional.is_some() => Ok(Presence::Absent),
            FailureKind::TooLarge => Ok(Presence::There),
            _ => Err(failed),
        };
        Self {
            present,
            content,
            refused: None,
        }
    }
}
