use std::time::Duration;

use super::fields::{Fields, Form, Key, key};
use super::node::{Entry, Node, Result};
use crate::Invariant;
use crate::nearest::hint;

/// How one kind of an invariant is made red and green again, on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drill {
    /// Its name.
    pub name: String,
    /// The invariant that has to turn red.
    pub invariant: String,
    /// In exactly this kind.
    pub kind: String,
    /// For exactly this subject.
    pub subject: String,
    /// What to run to break it: a program and its arguments.
    pub provoke: Vec<String>,
    /// What to run to mend it.
    pub revert: Vec<String>,
    /// How many cycles it may take to turn red, and again to turn green.
    pub within_cycles: u64,
    /// How long to wait between two cycles.
    pub gap: Duration,
    /// How long each of the two commands may take.
    pub limit: Duration,
}

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const KEYS: &[Key] = &[
    key("invariant", Form::Text),
    key("kind", Form::Text),
    key("subject", Form::Text),
    key("provoke", Form::Texts),
    key("revert", Form::Texts),
    key("within_cycles", Form::Int),
    key("gap", Form::Duration),
    key("limit", Form::Duration),
];

pub(super) fn read(
    node: Option<&Node>,
    invariants: &[Invariant],
    off: &[(String, String)],
) -> Result<Vec<Drill>> {
    let entries = node.map(Node::entries).transpose()?.unwrap_or_default();
    let mut drills = Vec::new();
    for entry in entries {
        let drill = drill(entry)?;
        if !off.iter().any(|(id, _)| *id == drill.invariant) {
            known(entry, &drill, invariants)?;
            drills.push(drill);
        }
    }
    Ok(drills)
}

fn drill(entry: &Entry) -> Result<Drill> {
    let fields = Fields::new(&entry.node, "a drill", &[KEYS])?;
    let argv = |key| {
        let argv = fields.argv(key)?;
        match argv.is_empty() {
            true => Err(fields.error(format!("`{key}` is missing: a program and its arguments"))),
            false => Ok(argv),
        }
    };
    Ok(Drill {
        name: entry.key.clone(),
        invariant: fields.words("invariant")?,
        kind: fields.words("kind")?,
        subject: fields.words("subject")?,
        provoke: argv("provoke")?,
        revert: argv("revert")?,
        within_cycles: fields.count("within_cycles")?.unwrap_or(3).max(1),
        gap: fields.duration("gap")?.unwrap_or(Duration::from_secs(1)),
        limit: fields.duration("limit")?.unwrap_or(LIMIT),
    })
}

fn known(entry: &Entry, drill: &Drill, invariants: &[Invariant]) -> Result {
    let found = invariants.iter().find(|one| one.meta.id == drill.invariant);
    let ids = invariants.iter().map(|one| &*one.meta.id);
    let Some(invariant) = found else {
        let hint = hint(&drill.invariant, ids);
        let message = format!("there is no invariant `{}`{hint}", drill.invariant);
        return Err(place(entry, "invariant").error(message));
    };
    let kinds = invariant.kinds();
    if kinds.contains(&&*drill.kind) {
        return Ok(());
    }
    let message = format!(
        "`{}` has no kind `{}`, but {}",
        drill.invariant,
        drill.kind,
        kinds.join(", ")
    );
    Err(place(entry, "kind").error(message))
}

fn place<'e>(entry: &'e Entry, key: &str) -> &'e Node {
    entry.node.get(key).unwrap_or(&entry.node)
}
