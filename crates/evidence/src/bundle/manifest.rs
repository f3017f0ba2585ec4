//! The manifest as it is written and read.

use std::collections::HashSet;
use std::fmt::Write;

use crate::Terms;
use crate::json::{Doc, Value, quote};
use crate::source::is_inside;
use crate::time::Instant;

const SCHEMA: &str = "1";

/// What was in a bundle when it was sealed.
#[derive(Debug)]
pub(super) struct Manifest {
    /// An object that whoever sealed it gave, as JSON.
    pub(super) run: Doc,
    pub(super) armed: Instant,
    pub(super) sealed: Instant,
    pub(super) files: Vec<File>,
}

#[derive(Debug, PartialEq)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) found: Result<Found, Refused>,
}

/// A file that could be read.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) modified: Instant,
}

/// Something that is no evidence.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    /// The name of the kind of failure.
    pub(super) kind: String,
    pub(super) why: String,
}

impl Manifest {
    pub(super) fn render(&self) -> String {
        let files: Vec<String> = self.files.iter().map(File::render).collect();
        format!(
            "{{\"schema\":{SCHEMA},\"sealed_by\":\"runward\",\"armed\":\"{}\",\"sealed\":\"{}\",\"run\":{},\"files\":[\n{}\n]}}\n",
            self.armed,
            self.sealed,
            self.run.root().text(),
            files.join(",\n")
        )
    }

    /// Reads a manifest; what is wrong with it is a lower-case fragment.
    pub(super) fn parse(text: String, terms: &Terms) -> Result<Self, String> {
        let doc = Doc::parse(text, terms.depth()).map_err(|_| "is not JSON".to_owned())?;
        let root = doc.root();
        let schema = root.get("schema").map(Value::text);
        if schema != Some(SCHEMA) {
            return Err(format!("is not of schema {SCHEMA}"));
        }
        let run = root.get("run").ok_or("names no run")?.text().to_owned();
        let files = root.get("files").ok_or("lists no files")?;
        let files: Option<Vec<File>> = files.children().map(File::read).collect();
        let files = files.ok_or("has an entry that is none")?;
        let mut seen = HashSet::new();
        if !files.iter().all(|file| seen.insert(&*file.path)) {
            return Err("lists a file twice".into());
        }
        let manifest = Self {
            armed: time(root, "armed").ok_or("does not say when the run was armed")?,
            sealed: time(root, "sealed").ok_or("does not say when it was sealed")?,
            run: Doc::parse(run, terms.depth()).map_err(|_| "names no run")?,
            files,
        };
        Ok(manifest)
    }
}

/// The files that a manifest has the digests of; why it is none, as a lower-case fragment.
#[cfg(feature = "attest")]
pub(crate) fn digests(text: String, terms: &Terms) -> Result<Vec<(String, String)>, String> {
    let files = Manifest::parse(text, terms)?.files.into_iter();
    let digest = |file: File| Some((file.path, file.found.ok()?.sha256));
    Ok(files.filter_map(digest).collect())
}

impl File {
    fn render(&self) -> String {
        let mut out = format!("{{\"path\":{}", quote(&self.path));
        let _ = match &self.found {
            Ok(found) => write!(
                out,
                ",\"size\":{},\"sha256\":\"{}\",\"modified\":\"{}\"}}",
                found.size, found.sha256, found.modified
            ),
            Err(refused) => write!(
                out,
                ",\"refused\":{},\"why\":{}}}",
                quote(&refused.kind),
                quote(&refused.why)
            ),
        };
        out
    }

    fn read(entry: Value<'_>) -> Option<Self> {
        let path = string(entry, "path").filter(|path| is_inside(path))?;
        let found = match string(entry, "refused") {
            Some(kind) => Err(Refused {
                kind,
                why: string(entry, "why")?,
            }),
            None => Ok(Found {
                size: entry.get("size")?.text().parse().ok()?,
                sha256: string(entry, "sha256")?,
                modified: time(entry, "modified")?,
            }),
        };
        Some(Self { path, found })
    }
}

fn string(of: Value<'_>, key: &str) -> Option<String> {
    of.get(key)?.string().map(|text| text.into_owned())
}

fn time(of: Value<'_>, key: &str) -> Option<Instant> {
    Instant::parse(&string(of, key)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant() -> impl Strategy<Value = Instant> {
        (0u64..4_000_000_000, 0u32..1_000_000_000).prop_map(|(seconds, nanos)| {
            let since = std::time::Duration::new(seconds, nanos);
            Instant::of(std::time::UNIX_EPOCH + since)
        })
    }

    fn file() -> impl Strategy<Value = File> {
        let found = (any::<u64>(), "[0-9a-f]{64}", instant());
        let found = found.prop_map(|(size, sha256, modified)| {
            Ok(Found {
                size,
                sha256,
                modified,
            })
        });
        let refused = ("[a-z_]{1,9}", any::<String>());
        let refused = refused.prop_map(|(kind, why)| Err(Refused { kind, why }));
        ("[^/\0]{3,9}(/[^/\0]{3,9})?", prop_oneof![found, refused])
            .prop_map(|(path, found)| File { path, found })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(armed in instant(), sealed in instant(), files in prop::collection::vec(file(), 0..6)) {
            let mut seen = HashSet::new();
            let files: Vec<File> = files.into_iter().filter(|file| seen.insert(file.path.clone())).collect();
            let run = Doc::parse("{\"key\":\"k\"}".into(), 9).unwrap();
            let manifest = Manifest { run, armed, sealed, files };
            let read = Manifest::parse(manifest.render(), &Terms::new()).unwrap();
            prop_assert_eq!(&read.files, &manifest.files);
            prop_assert_eq!((read.armed, read.sealed), (armed, sealed));
            prop_assert!(read.run.root().same(manifest.run.root()));
        }

        #[test]
        fn no_text_is_too_strange(text in ".*") {
            let _ = Manifest::parse(text, &Terms::new());
        }
    }
}
