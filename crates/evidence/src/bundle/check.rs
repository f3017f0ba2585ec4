//! Whether a bundle is what was sealed.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::manifest::{File, Found, Manifest};
use super::seal::hex;
use super::{MANIFEST, RUN};
use crate::json::Doc;
use crate::outcome::{FailureKind, Verdict};
use crate::source::ReadError;
use crate::{Source, Terms};

/// What a manifest says of its bundle: each way in which that is another one, the worst first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seal(pub(crate) Vec<Flaw>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flaw {
    pub(crate) kind: FailureKind,
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Holds a bundle against its manifest; none where there is no manifest. `reads` says whether the spec has one of its own.
pub(crate) fn check(source: &dyn Source, reads: bool, terms: &Terms) -> Option<Seal> {
    let text = match source.read(MANIFEST, terms) {
        Err(ReadError::Missing) => return None,
        Err(error) => return Some(Seal::unusable(&error.to_string())),
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    if reads && is_of_another_tool(&text, source, terms) {
        return None;
    }
    Some(match Manifest::parse(text, terms) {
        Ok(manifest) => Seal::of(&manifest, source, terms),
        Err(why) => Seal::unusable(&why),
    })
}

/// Many things are called a manifest. One that is torn may be ours, and so may one from which our name was taken, or which lies beside our
/// own words about the run.
fn is_of_another_tool(text: &str, source: &dyn Source, terms: &Terms) -> bool {
    let ours = ["sealed_by", "armed", "sealed"];
    let doc = Doc::parse(text.to_owned(), terms.depth());
    let other = doc.is_ok_and(|doc| ours.iter().all(|key| doc.root().get(key).is_none()));
    other && matches!(source.read(RUN, terms), Err(ReadError::Missing))
}

impl Seal {
    fn unusable(why: &str) -> Self {
        Self(vec![Flaw {
            kind: FailureKind::BadSeal,
            path: MANIFEST.into(),
            message: why.to_owned(),
        }])
    }

    fn of(manifest: &Manifest, source: &dyn Source, terms: &Terms) -> Self {
        let mut flaws = Vec::new();
        flaws.extend(of_another_run(manifest, source, terms));
        for file in &manifest.files {
            flaws.extend(differs(file, manifest, source, terms));
        }
        flaws.extend(unsealed(manifest, source, terms));
        if manifest.files.is_empty() {
            let message = "it seals nothing".to_owned();
            flaws.push(Flaw::new(FailureKind::NothingExamined, MANIFEST, message));
        }
        // Stable: what comes first of a verdict is what the rest follows from.
        flaws.sort_by_key(|flaw| std::cmp::Reverse(flaw.kind.verdict()));
        Self(flaws)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.0
            .first()
            .map_or(Verdict::Proven, |flaw| flaw.kind.verdict())
    }
}

impl Flaw {
    fn new(kind: FailureKind, path: &str, message: String) -> Self {
        let path = path.to_owned();
        Self {
            kind,
            path,
            message,
        }
    }
}

/// What the manifest says of the run has to stand in the file about the run.
fn of_another_run(manifest: &Manifest, source: &dyn Source, terms: &Terms) -> Option<Flaw> {
    let bytes = source.read(RUN, terms).ok()?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let own = Doc::parse(text, terms.depth()).ok();
    let said = own.as_ref().map(Doc::root);
    let differs = manifest.run.root().members().find_map(|(key, value)| {
        let other = said.and_then(|said| said.get(&key));
        let same = other.is_some_and(|other| other.same(value));
        (!same).then(|| {
            let other = other.map_or("nothing", |other| other.text());
            format!("{key} is {other}, and the manifest says {}", value.text())
        })
    });
    differs.map(|message| Flaw::new(FailureKind::Foreign, RUN, message))
}

fn differs(file: &File, manifest: &Manifest, source: &dyn Source, terms: &Terms) -> Option<Flaw> {
    let flaw = |kind, message: String| Some(Flaw::new(kind, &file.path, message));
    let sealed = match &file.found {
        Ok(sealed) => sealed,
        Err(refused) => {
            let kind = FailureKind::of_seal(&refused.kind);
            return flaw(kind, refused.why.clone());
        }
    };
    let at = sealed.modified;
    if at < manifest.armed {
        let message = format!("written {at}, before the run was armed; write a copy of it");
        return flaw(FailureKind::Foreign, message);
    }
    if at > manifest.sealed {
        return flaw(FailureKind::Late, format!("written {at}, after the seal"));
    }
    match source.read(&file.path, terms) {
        Err(ReadError::Missing) => flaw(FailureKind::Spliced, "gone since the seal".into()),
        Err(error) => flaw(kind_of(&error), error.to_string()),
        Ok(bytes) => {
            changed(sealed, &bytes).and_then(|message| flaw(FailureKind::Spliced, message))
        }
    }
}

fn changed(sealed: &Found, bytes: &[u8]) -> Option<String> {
    let (size, was) = (bytes.len() as u64, sealed.size);
    if size != was {
        return Some(format!("{size} bytes, and {was} were sealed"));
    }
    let other = hex(Sha256::digest(bytes)) != sealed.sha256;
    other.then(|| "other bytes than those that were sealed".to_owned())
}

/// What is there and was not sealed.
fn unsealed(manifest: &Manifest, source: &dyn Source, terms: &Terms) -> Vec<Flaw> {
    let paths = match source.list(terms) {
        Ok(paths) => paths,
        Err(error) => {
            return vec![Flaw::new(
                FailureKind::Unlisted,
                MANIFEST,
                error.to_string(),
            )];
        }
    };
    let sealed: HashSet<&str> = manifest.files.iter().map(|file| &*file.path).collect();
    let mut late: Vec<String> = paths
        .into_iter()
        .filter(|path| path != MANIFEST && !sealed.contains(&**path))
        .collect();
    late.sort_unstable();
    let message = "not in the manifest: it came after the seal";
    let flaws = late
        .iter()
        .map(|path| Flaw::new(FailureKind::Late, path, message.to_owned()));
    flaws.collect()
}

/// In what way a file that cannot be read is no evidence.
pub(super) fn kind_of(error: &ReadError) -> FailureKind {
    match error {
        ReadError::NotAFile(_) => FailureKind::NotAFile,
        ReadError::TooLarge { .. } => FailureKind::TooLarge,
        ReadError::Missing | ReadError::Changed | ReadError::Refused(_) => FailureKind::Unreadable,
    }
}

impl FailureKind {
    /// The kind of what was refused when the bundle was sealed.
    fn of_seal(name: &str) -> Self {
        let known = [Self::NotAFile, Self::TooLarge];
        let found = known.into_iter().find(|kind| kind.name() == name);
        found.unwrap_or(Self::Unreadable)
    }
}
