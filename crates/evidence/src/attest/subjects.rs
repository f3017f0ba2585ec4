//! What is attested: each file by its path and digest.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::bundle::{MANIFEST, digests, hex};
use crate::{Error, Source, Terms};

/// SHA-256 by path.
pub(super) type Subjects = BTreeMap<String, String>;

/// As the seal says, and the seal itself.
pub(super) fn sealed(source: &dyn Source, terms: &Terms) -> Result<Subjects, Error> {
    let unusable = |why: &str| {
        Error::usage(format!(
            "attest the bundle: its {MANIFEST} {why}; `runward run --evidence` seals a bundle"
        ))
    };
    let bytes = source.read(MANIFEST, terms);
    let bytes = bytes.map_err(|error| unusable(&error.to_string()))?;
    let own = (MANIFEST.to_owned(), hex(Sha256::digest(&bytes)));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let files = digests(text, terms).map_err(|why| unusable(&why))?;
    Ok(files.into_iter().chain([own]).collect())
}

/// As the files are now. What cannot be read has no digest; why not, the seal says.
pub(super) fn present(source: &dyn Source, terms: &Terms) -> Result<Subjects, Error> {
    let paths = source.list(terms)?.into_iter();
    let digested = paths.filter_map(|path| {
        let bytes = source.read(&path, terms).ok()?;
        Some((path, hex(Sha256::digest(bytes))))
    });
    Ok(digested.collect())
}
