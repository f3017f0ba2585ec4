//! Bundles: the directory of a run's artifacts, sealed by a manifest that says what was there, and when.
//!
//! A seal ties files to each other and to a time; who made it, it cannot say.

mod check;
mod manifest;
mod seal;

pub(crate) use check::{Seal, check};
#[cfg(feature = "attest")]
pub(crate) use manifest::digests;
#[cfg(feature = "attest")]
pub(crate) use seal::hex;
pub use seal::{digest, put, seal};

/// The name of the manifest in a bundle. The names of runward's own files, this one included, are not a program's to take.
pub const MANIFEST: &str = "manifest.json";
/// What runward knows of the run.
pub const RUN: &str = "run.json";
/// What happened in it, a line each.
pub const EVENTS: &str = "events.jsonl";

/// What a seal speaks for, though no artifact of a spec may read it.
pub(crate) fn is_own(path: &str) -> bool {
    [MANIFEST, RUN, EVENTS].contains(&path)
}
