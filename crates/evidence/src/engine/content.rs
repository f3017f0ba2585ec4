//! From bytes to content: encoding, syntax, shape, schema and digest.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::found::{Cite, Failed, show};
use super::load::Content;
use super::select::within;
use crate::Terms;
use crate::json::{Body, Doc, FaultKind, Refused, Value};
use crate::outcome::FailureKind;
use crate::spec::artifact::{Artifact, ArtifactKind};

/// Why bytes were not accepted, and their text, to show where.
pub(super) struct Rejected {
    pub(super) failed: Failed,
    pub(super) body: Option<Box<Body>>,
}

impl From<Failed> for Rejected {
    fn from(failed: Failed) -> Self {
        let body = None;
        Self { failed, body }
    }
}

pub(super) fn read(
    at: u32,
    artifact: &Artifact,
    bytes: Vec<u8>,
    terms: &Terms,
) -> Result<Content, Rejected> {
    let found = artifact.sha256.as_ref().map(|_| sha256(&bytes));
    let content = parse(at, artifact, bytes, terms)?;
    if found == artifact.sha256 {
        return Ok(content);
    }
    let text = |digest: &Option<String>| digest.clone().unwrap_or_default();
    let message = format!(
        "its sha256 is {}, and {} is wanted",
        text(&found),
        text(&artifact.sha256)
    );
    Err(Failed::new(FailureKind::WrongDigest, message)
        .at(Cite::whole(at))
        .into())
}

fn parse(at: u32, artifact: &Artifact, bytes: Vec<u8>, terms: &Terms) -> Result<Content, Rejected> {
    let text = text(at, bytes)?;
    let parsed = match artifact.kind {
        ArtifactKind::Json => Doc::parse(text, terms.depth()),
        ArtifactKind::JsonLines => Doc::parse_lines(text, terms.depth()),
        ArtifactKind::Status => return status(at, text).map(Content::Json),
        ArtifactKind::Text => return Ok(Content::Text(Body::new(text))),
    };
    let doc = parsed.map_err(|refused| bad_json(at, refused))?;
    match shape(at, artifact, &doc).and_then(|()| schema(at, artifact, &doc)) {
        Ok(()) => Ok(Content::Json(doc)),
        Err(failed) => {
            let body = Some(Box::new(doc.into_body()));
            Err(Rejected { failed, body })
        }
    }
}

fn text(at: u32, bytes: Vec<u8>) -> Result<String, Failed> {
    let fail = |kind, message: String| Failed::new(kind, message).at(Cite::whole(at));
    if bytes.is_empty() {
        return Err(fail(FailureKind::Empty, "a file of no bytes".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let valid = String::from_utf8_lossy(&error.as_bytes()[..byte]).into_owned();
        let (line, column) = crate::json::position(&valid, byte);
        let message = format!("byte {byte}, at {line}:{column}, is no UTF-8");
        fail(FailureKind::NotUtf8, message)
    })
}

fn bad_json(at: u32, refused: Refused) -> Rejected {
    let Refused { fault, body } = refused;
    let kind = match fault.kind {
        FaultKind::Syntax => FailureKind::BadJson,
        FaultKind::DuplicateKey => FailureKind::DuplicateKey,
        FaultKind::TooDeep => FailureKind::TooDeep,
    };
    let (line, column) = body.position(fault.at);
    let message = format!("{line}:{column}: {}", fault.message);
    let cite = Cite::bytes(at, fault.at, (fault.at + 1).min(body.text().len()));
    Rejected {
        failed: Failed::new(kind, message).at(cite),
        body: Some(Box::new(body)),
    }
}

/// What a shell writes with `echo $?`.
fn status(at: u32, text: String) -> Result<Doc, Rejected> {
    let digits = text.trim_ascii_end().to_owned();
    let number = digits
        .parse::<u8>()
        .ok()
        .filter(|n| n.to_string() == digits);
    let wrong = || {
        let message = format!("`{}` is no exit status from 0 to 255", show(&digits));
        Rejected::from(Failed::new(FailureKind::BadStatus, message).at(Cite::whole(at)))
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
            return Err(misshapen(message, at, value));
        }
    }
    Ok(())
}

fn schema(at: u32, artifact: &Artifact, doc: &Doc) -> Result<(), Failed> {
    let Some((path, text, wanted)) = &artifact.schema else {
        return Ok(());
    };
    let found = within(path, doc.root()).values.first();
    if found.is_some_and(|value| value.same(wanted.value())) {
        return Ok(());
    }
    let shown = found.map_or("nothing".to_owned(), |value| show(value.text()));
    let message = format!(
        "`{text}` is {shown}; this spec reads schema {}",
        wanted.text()
    );
    let cite = Cite::value(at, found.unwrap_or(doc.root()));
    Err(Failed::new(FailureKind::WrongSchema, message).at(cite))
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
