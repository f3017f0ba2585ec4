//! Changes of a bundle, as logic and not as bytes, so that they can be carried over to copies.

use crate::Spec;
use crate::json::{Kind, Value, escape, quote};

/// The path of a value: member names and element numbers.
pub(super) type Steps = Vec<String>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edit {
    Remove(u32),
    /// So many bytes are left.
    Truncate(u32, usize),
    Json(u32, Steps, Change),
    /// These bytes of a text become another text.
    Text(u32, usize, usize, String),
    /// A file that no artifact reads comes.
    Add(String),
    /// A file that no artifact reads goes.
    Hide(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Set(String),
    Delete,
    /// One more element, or one more member of that name.
    Insert(String, String),
}

/// The name of what is put where nothing was.
pub(super) const NEW: &str = "runward-prove";

impl Edit {
    pub(super) fn set(artifact: u32, steps: Steps, json: impl Into<String>) -> Self {
        Self::Json(artifact, steps, Change::Set(json.into()))
    }

    pub(super) fn artifact(&self) -> Option<u32> {
        match self {
            Self::Remove(at) | Self::Truncate(at, _) | Self::Json(at, ..) | Self::Text(at, ..) => {
                Some(*at)
            }
            Self::Add(_) | Self::Hide(_) => None,
        }
    }

    pub(super) fn describe(&self, spec: &Spec) -> String {
        let file = self.artifact().map_or("", |at| &spec.artifact(at).file);
        match self {
            Self::Remove(_) => format!("remove {file}"),
            Self::Truncate(_, left) => format!("cut {file} to {left} bytes"),
            Self::Add(path) => format!("add {path}"),
            Self::Hide(path) => format!("remove {path}"),
            Self::Text(_, start, end, text) => {
                format!("{file}: bytes {start}..{end} become {}", quote(text))
            }
            Self::Json(_, steps, change) => {
                let path: String = steps
                    .iter()
                    .map(|step| format!("/{}", escape(step)))
                    .collect();
                match change {
                    Change::Set(json) => format!("{file}: {path} becomes {json}"),
                    Change::Delete => format!("{file}: {path} is deleted"),
                    Change::Insert(key, json) => format!("{file}: {path} gets {key} {json}"),
                }
            }
        }
    }
}

/// The way from the root of a document to one of its values.
pub(super) fn steps(root: Value<'_>, target: Value<'_>) -> Steps {
    let mut steps = Steps::new();
    let mut at = root;
    while at.span() != target.span() {
        let inside = |value: &Value<'_>| {
            value.span().start <= target.span().start && target.span().end <= value.span().end
        };
        let named = named(at).into_iter().find(|(_, value)| inside(value));
        let Some((step, value)) = named else {
            break;
        };
        steps.push(step);
        at = value;
    }
    steps
}

pub(super) fn follow<'d>(root: Value<'d>, steps: &[String]) -> Option<Value<'d>> {
    steps.iter().try_fold(root, |value, step| value.child(step))
}

/// An edit within a value, by its path from there.
type Inner<'e> = (&'e [String], &'e Change);

/// The text of a value with edits made in it.
pub(super) fn render(value: Value<'_>, edits: &[Inner<'_>]) -> String {
    let whole = edits.iter().find(|(steps, _)| steps.is_empty());
    match whole {
        Some((_, Change::Set(json))) => json.clone(),
        _ if edits.is_empty() => value.text().to_owned(),
        _ => container(value, edits),
    }
}

fn container(value: Value<'_>, edits: &[Inner<'_>]) -> String {
    let object = value.kind() == Kind::Object;
    let part = |key: &str, text: &str| match object {
        true => format!("{}:{text}", quote(key)),
        false => text.to_owned(),
    };
    let mut parts = Vec::new();
    for (step, child) in named(value) {
        let inner = below(edits, &step);
        let deleted = |(steps, change): &Inner<'_>| steps.is_empty() && **change == Change::Delete;
        if !inner.iter().any(deleted) {
            parts.push(part(&step, &render(child, &inner)));
        }
    }
    for (steps, change) in edits {
        if let (true, Change::Insert(key, json)) = (steps.is_empty(), change) {
            parts.push(part(key, json));
        }
    }
    let inside = parts.join(",");
    match object {
        true => format!("{{{inside}}}"),
        false => format!("[{inside}]"),
    }
}

/// The children of a container with their steps.
fn named(value: Value<'_>) -> Vec<(String, Value<'_>)> {
    if value.kind() == Kind::Object {
        let members = value.members();
        return members
            .map(|(key, value)| (key.into_owned(), value))
            .collect();
    }
    let elements = value.children().enumerate();
    elements.map(|(n, value)| (n.to_string(), value)).collect()
}

fn below<'e>(edits: &[Inner<'e>], step: &str) -> Vec<Inner<'e>> {
    let inner = |(steps, change): &Inner<'e>| {
        let (first, rest) = steps.split_first()?;
        (first == step).then_some((rest, *change))
    };
    edits.iter().filter_map(inner).collect()
}
