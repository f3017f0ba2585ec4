//! From files to artifacts.

use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::found::{Cite, Failed, show};
use super::select::within;
use crate::json::{Body, Doc, Fault, FaultKind, Value};
use crate::outcome::FailureKind;
use crate::source::ReadError;
use crate::spec::artifact::{Artifact, ArtifactKind};
use crate::{Source, Spec, Terms};

/// The artifacts of a spec as they were found, and the list of all files.
#[derive(Clone)]
pub(crate) struct Bundle {
    /// Sorted; or why there is no list.
    pub(crate) files: Result<Vec<String>, String>,
    pub(crate) loaded: Vec<Arc<Loaded>>,
}

pub(crate) struct Loaded {
    pub(crate) present: Result<Presence, Failed>,
    pub(crate) content: Result<Content, Failed>,
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
        let artifacts = (0..).zip(spec.artifacts());
        let load = |(at, artifact)| Arc::new(Loaded::read(at, artifact, source, terms));
        let loaded = artifacts.map(load).collect();
        let files = source.list(terms).map_err(|error| error.to_string());
        let files = files.map(|mut files| {
            files.sort_unstable();
            files
        });
        Self { files, loaded }
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
        loaded.content.as_ref().ok().map(Content::body)
    }
}

impl Loaded {
    fn read(at: u32, artifact: &Artifact, source: &dyn Source, terms: &Terms) -> Self {
        match source.read(&artifact.file, terms) {
            Ok(bytes) => Self {
                present: Ok(Presence::There),
                content: content(at, artifact, bytes, terms),
            },
            Err(error) => Self::unread(at, artifact, &error),
        }
    }

    pub(crate) fn of_bytes(at: u32, artifact: &Artifact, bytes: Vec<u8>, terms: &Terms) -> Self {
        Self {
            present: Ok(Presence::There),
            content: content(at, artifact, bytes, terms),
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
        Self { present, content }
    }
}

fn content(at: u32, artifact: &Artifact, bytes: Vec<u8>, terms: &Terms) -> Result<Content, Failed> {
    let digest = artifact.sha256.as_ref().map(|_| sha256(&bytes));
    let content = read(at, artifact, bytes, terms)?;
    if let (Some(wanted), Some(found)) = (&artifact.sha256, digest)
        && *wanted != found
    {
        let message = format!("its sha256 is {found}, and {wanted} is wanted");
        return Err(Failed::new(FailureKind::WrongDigest, message).at(Cite::whole(at)));
    }
    Ok(content)
}

fn read(at: u32, artifact: &Artifact, bytes: Vec<u8>, terms: &Terms) -> Result<Content, Failed> {
    let fail = |kind, message: String| Failed::new(kind, message).at(Cite::whole(at));
    if bytes.is_empty() {
        return Err(fail(FailureKind::Empty, "a file of no bytes".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let valid = String::from_utf8_lossy(&error.as_bytes()[..byte]).into_owned();
        let (line, column) = crate::json::position(&valid, byte);
        let message = format!("byte {byte}, at {line}:{column}, is no UTF-8");
        fail(FailureKind::NotUtf8, message)
    })?;
    let parsed = match artifact.kind {
        ArtifactKind::Json => Doc::parse(text, terms.depth()),
        ArtifactKind::JsonLines => Doc::parse_lines(text, terms.depth()),
        ArtifactKind::Status => return status(at, text).map(Content::Json),
        ArtifactKind::Text => return Ok(Content::Text(Body::new(text))),
    };
    let doc = parsed.map_err(|fault| bad_json(at, &fault))?;
    shape(at, artifact, &doc)?;
    Ok(Content::Json(doc))
}

fn bad_json(at: u32, fault: &Fault) -> Failed {
    let kind = match fault.kind {
        FaultKind::Syntax => FailureKind::BadJson,
        FaultKind::DuplicateKey => FailureKind::DuplicateKey,
        FaultKind::TooDeep => FailureKind::TooDeep,
    };
    let cite = Cite::bytes(at, fault.at, fault.at + 1);
    Failed::new(kind, fault.message.clone()).at(cite)
}

/// What a shell writes with `echo $?`.
fn status(at: u32, text: String) -> Result<Doc, Failed> {
    let digits = text.trim_ascii_end().to_owned();
    let number = digits
        .parse::<u8>()
        .ok()
        .filter(|n| n.to_string() == digits);
    let wrong = || {
        let message = format!("`{}` is no exit status from 0 to 255", show(&digits));
        Failed::new(FailureKind::BadStatus, message).at(Cite::whole(at))
    };
    number.ok_or_else(wrong)?;
    Doc::parse(text, 1).map_err(|_| wrong())
}

fn shape(at: u32, artifact: &Artifact, doc: &Doc) -> Result<(), Failed> {
    for (path, text, kinds) in &artifact.shape {
        let found = within(path, doc.root());
        let wanted = kinds.first().map_or("a value", |kind| kind.name());
        let Some(value) = found.values.first() else {
            let message = format!("nothing at `{text}`, where {wanted} should be");
            let parent = found.gap.map_or(doc.root(), |gap| gap.parent);
            return Err(misshapen(message, at, parent));
        };
        if !kinds.contains(&value.kind()) {
            let found = value.kind().name();
            let message = format!("`{text}` is {found}, where {wanted} should be");
            return Err(misshapen(message, at, *value));
        }
    }
    artifact
        .schema
        .as_ref()
        .map_or(Ok(()), |(path, text, wanted)| {
            let found = within(path, doc.root());
            match found.values.first() {
                Some(value) if value.same(wanted.value()) => Ok(()),
                other => {
                    let shown = other.map_or("nothing".to_owned(), |value| show(value.text()));
                    let message = format!(
                        "`{text}` is {shown}; this spec reads schema {}",
                        wanted.text()
                    );
                    let cite = Cite::value(at, other.copied().unwrap_or(doc.root()));
                    Err(Failed::new(FailureKind::WrongSchema, message).at(cite))
                }
            }
        })
}

fn misshapen(message: String, at: u32, value: Value<'_>) -> Failed {
    Failed::new(FailureKind::WrongShape, message).at(Cite::value(at, value))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
