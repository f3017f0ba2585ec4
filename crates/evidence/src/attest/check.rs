//! An envelope against what it is said to be of.

use std::fmt;

use super::envelope::{Envelope, to_sign};
use super::statement::{Configuration, Statement, Tests};
use super::subjects::{self, Subjects};
use super::{PAYLOAD_TYPE, PublicKey};
use crate::json::{Doc, FaultKind};
use crate::outcome::FailureKind;
use crate::{Report, Source, Spec, Terms};

/// In what way an envelope is not the one that it should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flaw {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

impl Flaw {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)
    }
}

/// All that is wrong; of an envelope that is not signed as it should be nothing but that, as the rest of it is anybody's.
pub(super) fn flaws(
    spec: &Spec,
    source: &dyn Source,
    terms: &Terms,
    report: &Report,
    envelope: &[u8],
    key: &PublicKey,
) -> Vec<Flaw> {
    let signed = Envelope::parse(envelope, terms)
        .and_then(|envelope| open(envelope, key))
        .and_then(|payload| Statement::parse(&payload, terms));
    let signed = match signed {
        Ok(signed) => signed,
        Err(flaw) => return vec![flaw],
    };
    // A bundle that cannot be listed has no file that could be the one that was signed; the seal says why.
    let present = subjects::present(source, terms).unwrap_or_default();
    let own = Statement::new(spec, report, present);
    let mut flaws = of_subjects(&signed.subjects, &own.subjects);
    flaws.extend(of_spec(&signed.spec, &own.spec));
    flaws.extend(of_tests(&signed.tests, &own.tests));
    flaws
}

/// The payload, once the key has signed it as what it is.
fn open(envelope: Envelope, key: &PublicKey) -> Result<Vec<u8>, Flaw> {
    let bytes = to_sign(&envelope.payload_type, &envelope.payload);
    let mut signatures = envelope.signatures.iter();
    // Whatever an envelope calls its keys: the signature decides.
    if !signatures.any(|signature| key.has_signed(&bytes, &signature.bytes)) {
        return Err(unsigned(&envelope, &key.id()));
    }
    if envelope.payload_type != PAYLOAD_TYPE {
        let found = envelope.payload_type.escape_debug();
        let message = format!("its payload is `{found}`, and not {PAYLOAD_TYPE}");
        return Err(Flaw::new(FailureKind::WrongPayloadType, message));
    }
    Ok(envelope.payload)
}

fn unsigned(envelope: &Envelope, id: &str) -> Flaw {
    let named = envelope
        .signatures
        .iter()
        .map(|signature| signature.keyid.as_deref());
    let named: Option<Vec<&str>> = named.collect();
    match named {
        Some(others) if !others.contains(&id) => Flaw::new(
            FailureKind::UnknownKey,
            format!(
                "it is signed by `{}`, and not by the key {id}",
                others.join("`, `").escape_debug()
            ),
        ),
        _ => Flaw::new(
            FailureKind::BadSignature,
            format!("no signature of it is one of the key {id}"),
        ),
    }
}

fn of_subjects(signed: &Subjects, present: &Subjects) -> Vec<Flaw> {
    let gone = signed.iter().filter_map(|(name, digest)| {
        let shown = name.escape_debug();
        match present.get(name) {
            None => Some(Flaw::new(
                FailureKind::MissingSubject,
                format!("`{shown}` was signed and cannot be read in the bundle"),
            )),
            Some(found) if found != digest => Some(Flaw::new(
                FailureKind::OtherDigest,
                format!(
                    "`{shown}` has the digest {found}, and {} was signed",
                    digest.escape_debug()
                ),
            )),
            Some(_) => None,
        }
    });
    let more = present.keys().filter(|name| !signed.contains_key(*name));
    let more = more.map(|name| {
        let shown = name.escape_debug();
        Flaw::new(
            FailureKind::Unattested,
            format!("`{shown}` is in the bundle and was not signed"),
        )
    });
    gone.chain(more).collect()
}

fn of_spec(signed: &Configuration, own: &Configuration) -> Option<Flaw> {
    let message = if signed.sha256 != own.sha256 {
        let (theirs, ours) = (signed.sha256.escape_debug(), &own.sha256);
        format!("it is of a spec with the digest {theirs}, and this one has {ours}")
    } else if signed.params != own.params {
        let (theirs, ours) = (values(signed), values(own));
        format!("it is of the parameters {theirs}, and these are {ours}")
    } else {
        return None;
    };
    Some(Flaw::new(FailureKind::OtherSpec, message))
}

fn values(of: &Configuration) -> String {
    let pairs = of
        .params
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let pairs: Vec<String> = pairs.collect();
    format!("`{}`", pairs.join(" ").escape_debug())
}

fn of_tests(signed: &Tests, own: &Tests) -> Option<Flaw> {
    let message = if signed.result != own.result {
        let (theirs, ours) = (signed.result.escape_debug(), &own.result);
        format!("it says {theirs}, and the bundle is {ours}")
    } else {
        let lists = [
            ("passedTests", &signed.passed, &own.passed),
            ("warnedTests", &signed.warned, &own.warned),
            ("failedTests", &signed.failed, &own.failed),
        ];
        let differs = lists
            .into_iter()
            .find(|(_, theirs, ours)| theirs != ours)
            .map(|(name, theirs, ours)| (name, first_difference(theirs, ours)))?;
        format!("its `{}` {}", differs.0, differs.1)
    };
    Some(Flaw::new(FailureKind::OtherVerdict, message))
}

/// Both are in order.
fn first_difference(theirs: &[String], ours: &[String]) -> String {
    let more = theirs.iter().find(|name| !ours.contains(name));
    let less = ours.iter().find(|name| !theirs.contains(name));
    match (more, less) {
        (Some(name), _) => format!(
            "has `{}`, and the bundle says otherwise",
            name.escape_debug()
        ),
        (None, Some(name)) => format!("is without `{}`", name.escape_debug()),
        (None, None) => "has a name twice".to_owned(),
    }
}

/// A document that two readers cannot read differently.
pub(super) fn read_json(bytes: &[u8], otherwise: FailureKind, terms: &Terms) -> Result<Doc, Flaw> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Flaw::new(otherwise, format!("it is no UTF-8: {error}")))?;
    Doc::parse(text.to_owned(), terms.depth()).map_err(|refused| {
        let (line, column) = refused.body.position(refused.fault.at);
        let kind = match refused.fault.kind {
            FaultKind::DuplicateKey => FailureKind::TwoReadings,
            _ => otherwise,
        };
        let message = format!("line {line}, column {column}: {}", refused.fault.message);
        Flaw::new(kind, message)
    })
}
