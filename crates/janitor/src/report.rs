use std::fmt;
use std::sync::Arc;

use runward_lock::Name;

use crate::{Reason, Row, json};

/// What became of each object that a plan wanted reaped, and of those that appeared meanwhile.
#[derive(Clone, Debug)]
#[must_use = "it says what was left"]
pub struct Report {
    pub(crate) digest: String,
    pub(crate) items: Vec<Item>,
    pub(crate) postponed: usize,
    pub(crate) trouble: Vec<String>,
}

/// What became of one object.
#[derive(Clone, Debug)]
pub struct Item {
    pub(crate) name: Name,
    pub(crate) kind: Arc<str>,
    pub(crate) id: String,
    pub(crate) outcome: Outcome,
    pub(crate) appeared: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was removed.
    Reaped,
    /// It was not there any more when its lock was held.
    Gone,
    /// It was left alone after all, and why.
    Kept(Reason),
    /// It is still there, and why. A later pass goes on with it.
    Left(String),
}

impl Report {
    /// What became of each object, in the order of the plan; what appeared under a name stands after it.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The digest of the plan that was carried out.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether no orphan is left that this sweep may reap: all is gone, and two looks in a row found nothing more.
    pub fn is_clean(&self) -> bool {
        let mut items = self.items.iter();
        let left = items.any(|item| matches!(item.outcome, Outcome::Left(_)));
        !left && self.postponed == 0 && self.trouble.is_empty()
    }

    /// How many orphans the plan has put off: over the cap, or tried a moment ago.
    pub fn postponed(&self) -> usize {
        self.postponed
    }

    /// What kept this sweep from going on, such as a full disk under its audit.
    pub fn trouble(&self) -> &[String] {
        &self.trouble
    }

    /// All of it as one JSON object: `schema`, `digest`, `clean`, `postponed`, `items`, `trouble`.
    pub fn to_json(&self) -> String {
        json::report(self)
    }
}

impl Item {
    pub(crate) fn of(row: &Row, outcome: Outcome) -> Self {
        Self {
            name: row.name.clone(),
            kind: Arc::clone(&row.kind),
            id: row.id.clone(),
            outcome,
            appeared: false,
        }
    }

    /// The name that it belongs to.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What kind of object it is; `lock` for the lock file itself.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What its kind is called by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it was not in the plan, and found only under the lock.
    pub fn appeared(&self) -> bool {
        self.appeared
    }
}

impl Outcome {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Reaped => "reaped",
            Self::Gone => "gone",
            Self::Kept(_) => "kept",
            Self::Left(_) => "left",
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Reaped | Self::Gone => String::new(),
            Self::Kept(reason) => reason.to_string(),
            Self::Left(why) => why.clone(),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, id, .. } = self;
        write!(f, "{} {kind} {id:?} of {name}", self.outcome.word())?;
        let text = self.outcome.text();
        if !text.is_empty() {
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items
            .iter()
            .try_for_each(|item| writeln!(f, "{item}"))?;
        self.trouble
            .iter()
            .try_for_each(|text| writeln!(f, "trouble: {text}"))
    }
}
