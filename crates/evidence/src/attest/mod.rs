//! Attestations: the verdict on a sealed bundle as others can take it, and the same held against the bundle again.
//!
//! [`attest`] makes an in-toto Statement v1 with the test-result predicate. Its subjects are the files that the seal lists and the manifest
//! itself, its configuration is the spec with its parameters, its tests are the rules. It goes into a DSSE envelope, signed by a [`Key`] or by
//! any command. What is stated is a function of spec, terms and bundle: no clock, no host.
//!
//! [`verify`] believes the envelope nothing. It judges the bundle itself, digests each file itself, and holds what was signed against
//! that; what differs is reported as `bundle.attested`.
//!
//! ```
//! use std::time::SystemTime;
//! use runward_evidence::attest::{Key, Signer, attest, verify};
//! use runward_evidence::{Dir, Spec, Terms, Verdict, bundle};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let (root, key) = (dir.path().join("bundle"), dir.path().join("key.pem"));
//! # std::fs::create_dir(&root).unwrap();
//! # let armed = SystemTime::now() - std::time::Duration::from_secs(9);
//! std::fs::write(root.join("run.json"), r#"{ "attempts": 3 }"#).unwrap();
//! bundle::seal(&root, armed, "{}", &Terms::new())?;
//! let spec = Spec::parse("load.toml", "schema = 1\nid = 'load'\n[[artifact]]\nid = 'run'\nfile = 'run.json'\nkind = 'json'\n")?;
//!
//! let (key, bundle) = (Key::create(&key)?, Dir::open(&root)?);
//! let (_, envelope) = attest(&spec, &bundle, &Terms::new(), Signer::Key(&key))?;
//! let report = verify(&spec, &bundle, &Terms::new(), "load.dsse.json", envelope.as_bytes(), &key.public());
//! assert_eq!(report.verdict(), Verdict::Proven);
//! # Ok::<(), runward_evidence::Error>(())
//! ```

mod check;
pub(crate) mod commands;
mod envelope;
mod file;
mod keys;
mod signer;
mod statement;
mod subjects;

pub(crate) use check::Flaw;
pub use keys::{Key, PublicKey};

use envelope::Envelope;
use statement::Statement;

use crate::{Error, Report, Source, Spec, Terms};

/// What the payload of an envelope is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// What is stated of the subjects.
pub const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// Who signs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Signer<'s> {
    /// A key of ours.
    Key(&'s Key),
    /// A program and its arguments. It finds on its standard input, which is a file, the bytes to sign, and writes the signature alone to its
    /// standard output: at most 64 KiB, within a minute. Of what kind that is, is between it and whoever verifies it.
    Command(&'s [String]),
}

/// Judges a sealed bundle and states the verdict, whatever it is, in a signed envelope.
///
/// # Errors
///
/// When the bundle has no manifest that can be read, or the signer does not sign.
pub fn attest(
    spec: &Spec,
    source: &dyn Source,
    terms: &Terms,
    signer: Signer<'_>,
) -> Result<(Report, String), Error> {
    let report = crate::verify(spec, source, terms);
    let subjects = subjects::sealed(source, terms)?;
    let payload = Statement::new(spec, &report, subjects).render();
    let bytes = envelope::to_sign(PAYLOAD_TYPE, payload.as_bytes());
    let (keyid, signature) = match signer {
        Signer::Key(key) => (Some(key.public().id()), key.sign(&bytes)),
        Signer::Command(words) => (None, signer::run(words, &bytes)?),
    };
    let envelope = Envelope::new(payload.into_bytes(), keyid, signature);
    Ok((report, envelope.render()))
}

/// The verdict on a bundle, and whether it is the one that `key` signed: `bundle.attested` is refuted where it is not.
///
/// `name` is what the report calls the envelope.
pub fn verify(
    spec: &Spec,
    source: &dyn Source,
    terms: &Terms,
    name: &str,
    envelope: &[u8],
    key: &PublicKey,
) -> Report {
    let report = crate::verify(spec, source, terms);
    let flaws = check::flaws(spec, source, terms, &report, envelope, key);
    report.attested(name, flaws)
}
