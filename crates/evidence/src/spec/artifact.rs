//! Artifacts: a file, its kind and its shape.

use std::sync::Arc;

use super::fill::Fill;
use super::selector::{self, Literal, Path};
use super::table::{Item, Result, Table};
use crate::json::Kind;
use crate::nearest::hint;
use crate::source::is_inside;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArtifactKind {
    Json,
    /// A JSON value on each line.
    JsonLines,
    Text,
    /// The exit status of a program, as a decimal number.
    Status,
}

impl ArtifactKind {
    pub(crate) const NAMES: [(&'static str, Self); 4] = [
        ("json", Self::Json),
        ("jsonl", Self::JsonLines),
        ("text", Self::Text),
        ("rc", Self::Status),
    ];
}

#[derive(Debug)]
pub(crate) struct Artifact {
    pub(crate) id: String,
    pub(crate) file: Arc<str>,
    pub(crate) kind: ArtifactKind,
    /// Where it stands in the spec.
    pub(crate) at: usize,
    /// What stands at a path, its own root first.
    pub(crate) shape: Vec<(Path, String, &'static [Kind])>,
    pub(crate) schema: Option<(Path, String, Literal)>,
    /// In lower-case hexadecimal digits.
    pub(crate) sha256: Option<String>,
    /// Why it may be absent.
    pub(crate) optional: Option<String>,
}

const KEYS: [&str; 10] = [
    "id", "for", "file", "kind", "top", "shape", "schema", "sha256", "optional", "why",
];

const SHAPES: [(&str, &[Kind]); 6] = [
    ("object", &[Kind::Object]),
    ("array", &[Kind::Array]),
    ("string", &[Kind::String]),
    ("number", &[Kind::Integer, Kind::Float]),
    ("boolean", &[Kind::True, Kind::False]),
    ("null", &[Kind::Null]),
];

impl Artifact {
    pub(crate) fn read<'s>(table: &Table<'s>, fill: &Fill<'s>) -> Result<Self> {
        table.only("an artifact", &KEYS)?;
        let file = table.need("file")?;
        let path = fill.text(file)?;
        if !is_inside(&path) {
            let message =
                format!("`{path}` does not stay in the bundle: write a relative path without `..`");
            return Err(file.error(message));
        }
        let kind = named(
            table.need("kind")?,
            "kind of artifact",
            &ArtifactKind::NAMES,
        )?;
        let artifact = Self {
            id: fill.text(table.need("id")?)?,
            file: path.into(),
            kind,
            at: table.need("id")?.at(),
            shape: shapes(table, fill)?,
            schema: table
                .get("schema")
                .map(|item| schema(item, fill))
                .transpose()?,
            sha256: table
                .get("sha256")
                .map(|item| digest(item, fill))
                .transpose()?,
            optional: table.get("optional").map(reason).transpose()?,
        };
        let json = matches!(kind, ArtifactKind::Json | ArtifactKind::JsonLines);
        if !json && (!artifact.shape.is_empty() || artifact.schema.is_some()) {
            return Err(table.error("`top`, `shape` and `schema` go with JSON"));
        }
        Ok(artifact)
    }
}

/// One of some names.
pub(crate) fn named<T: Copy>(item: Item<'_>, what: &str, names: &[(&str, T)]) -> Result<T> {
    let name = item.text()?;
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
        let hint = hint(name, known.iter().copied());
        item.error(format!("`{name}` is no {what}: {}{hint}", known.join(", ")))
    })
}

/// A text that says why; an empty one says nothing.
pub(crate) fn reason(item: Item<'_>) -> Result<String> {
    said(item, "say why")
}

/// A text that is not blank.
pub(crate) fn said(item: Item<'_>, otherwise: &str) -> Result<String> {
    match item.text()?.trim() {
        "" => Err(item.error(otherwise)),
        text => Ok(text.to_owned()),
    }
}

fn shapes<'s>(table: &Table<'s>, fill: &Fill<'s>) -> Result<Vec<(Path, String, &'static [Kind])>> {
    let mut shapes = Vec::new();
    let mut push = |item: Item<'s>, at: Item<'s>, path: &str| {
        let parsed = selector::path(at, path, fill)?;
        if parsed.has_branches() {
            return Err(at.error("a shape's path has no wildcards"));
        }
        shapes.push((parsed, path.to_owned(), named(item, "shape", &SHAPES)?));
        Ok(())
    };
    if let Some(top) = table.get("top") {
        push(top, top, "")?;
    }
    if let Some(shape) = table.get("shape") {
        for (path, item) in shape.table()?.entries() {
            push(item, item, path)?;
        }
    }
    Ok(shapes)
}

fn schema<'s>(item: Item<'s>, fill: &Fill<'s>) -> Result<(Path, String, Literal)> {
    let table = item.table()?;
    table.only("a schema", &["at", "value"])?;
    let at = table.need("at")?;
    let value = table.need("value")?;
    let json = value.json(&|item, text| fill.within(item, text))?;
    let literal = Literal::parse(json).map_err(|error| value.error(error))?;
    let text = at.text()?;
    Ok((selector::path(at, text, fill)?, text.to_owned(), literal))
}

fn digest<'s>(item: Item<'s>, fill: &Fill<'s>) -> Result<String> {
    let digest = fill.text(item)?.to_ascii_lowercase();
    let hex = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then_some(digest)
        .ok_or_else(|| item.error("a sha256 has 64 hexadecimal digits"))
}
