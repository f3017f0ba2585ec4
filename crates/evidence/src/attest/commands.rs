//! What a command line needs of attestations.

use std::path::Path;

use super::{Key, PublicKey, Signer, attest, file, verify};
use crate::command::{Answer, Param};
use crate::{Dir, Error, ErrorKind, Format, Spec, Terms, Verdict};

/// Who is to sign, as a command line names it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SignWith<'s> {
    /// The file of a key.
    Key(&'s Path),
    /// A program and its arguments.
    Command(&'s [String]),
}

/// The verdict on a sealed bundle in a signed envelope: the exit codes of `run_verify`, 64 also for a bundle without a seal, 70 where the signer
/// did not sign.
pub fn run_attest(
    spec: &Path,
    bundle: &Path,
    params: &[Param],
    with: SignWith<'_>,
    terms: &Terms,
) -> Answer {
    let attested = || {
        let key = match with {
            SignWith::Key(path) => Some(Key::load(path)?),
            SignWith::Command(_) => None,
        };
        let signer = match (&key, with) {
            (None, SignWith::Command(words)) => Signer::Command(words),
            (Some(key), _) => Signer::Key(key),
            (None, SignWith::Key(_)) => return Err(Error::usage("sign without a key")),
        };
        let spec = Spec::load(spec, params)?;
        attest(&spec, &Dir::open(bundle)?, terms, signer)
    };
    attested().map_or_else(Answer::from, |(report, envelope)| {
        let verdict = report.verdict();
        let answer = Answer::new(envelope, verdict.exit_code());
        match verdict {
            Verdict::Proven => answer,
            other => answer.with_complaint(format!(
                "what is attested is that the bundle is {}",
                other.name()
            )),
        }
    })
}

/// The verdict on a bundle, refuted also where it is not the one that was signed: the exit codes of `run_verify`.
pub fn run_verify_attested(
    spec: &Path,
    bundle: &Path,
    params: &[Param],
    (envelope, key): (&Path, &Path),
    format: Format,
    terms: &Terms,
) -> Answer {
    let judged = || {
        let spec = Spec::load(spec, params)?;
        let bundle = Dir::open(bundle)?;
        let key = PublicKey::load(key)?;
        let name = envelope.display().to_string();
        let bytes = file::read(envelope, terms.file()).map_err(|error| {
            Error::new(ErrorKind::Io, format!("read the envelope {name}: {error}"))
        })?;
        Ok::<_, Error>(verify(&spec, &bundle, terms, &name, &bytes, &key))
    };
    judged().map_or_else(Answer::from, |report| {
        Answer::new(report.render(format), report.verdict().exit_code())
    })
}

/// Makes a key in a file that is not there yet, and shows the key that verifies: 0.
pub fn run_new_key(path: &Path) -> Answer {
    Key::create(path).map_or_else(Answer::from, |key| Answer::new(key.public().to_pem(), 0))
}
