use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use runward_lock::Name;

use crate::digest::Digest;
use crate::{Found, Reason, Step, Verdict, json};

/// What a sweep decided of every object it found: a value, that is printed as it will be carried out.
#[derive(Clone, Debug)]
#[must_use = "a plan does nothing until it is executed"]
pub struct Plan {
    pub(crate) allow: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) warnings: Vec<Warning>,
}

/// What is to become of one object, and why.
#[derive(Clone, Debug)]
pub struct Row {
    pub(crate) name: Name,
    pub(crate) kind: Arc<str>,
    pub(crate) id: String,
    pub(crate) reason: Reason,
    pub(crate) steps: Vec<Step>,
    pub(crate) since: Option<SystemTime>,
    pub(crate) detail: String,
}

/// What somebody should know, though nothing is reaped for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub(crate) kind: WarningKind,
    pub(crate) about: String,
    pub(crate) text: String,
}

/// The case of a [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A lock is held for longer than it should be.
    Overdue,
    /// A lock outlives its owner: others keep it.
    KeptAlive,
    /// Something is nearly used up, or nobody can tell.
    Headroom,
    /// The cap was reached: there is more to reap than one pass may.
    Capped,
}

impl Plan {
    /// Every object, in the order of execution: those to be reaped by name, kind and id.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Those that will be reaped.
    pub fn reaps(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(|row| row.verdict() == Verdict::Reap)
    }

    /// What somebody should know.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A short text that is the same for two plans exactly if they reap the same objects by the same steps in the same order.
    pub fn digest(&self) -> String {
        let mut digest = Digest::default();
        for row in self.reaps() {
            digest.field(row.name.as_str());
            digest.field(&row.kind);
            digest.field(&row.id);
            row.steps
                .iter()
                .for_each(|step| digest.field(step.as_str()));
            digest.end();
        }
        digest.to_string()
    }

    /// All of it as one JSON object: `schema`, `digest`, `allow`, `rows`, `warnings`.
    pub fn to_json(&self) -> String {
        json::plan(self)
    }

    pub(crate) fn postponed(&self) -> usize {
        let postponed = self.rows.iter().filter(|row| row.reason.postpones());
        postponed.count()
    }
}

impl Row {
    pub(crate) fn of(kind: &Arc<str>, found: Found, reason: Reason) -> Self {
        let since = found.found_since();
        let (name, id, detail) = found.into_parts();
        Self {
            name,
            kind: Arc::clone(kind),
            id,
            reason,
            steps: Vec::new(),
            since,
            detail,
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

    /// Reap or keep.
    pub fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What removes it, in order; none for what is kept.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, about: impl ToString, text: impl ToString) -> Self {
        Self {
            kind,
            about: about.to_string(),
            text: text.to_string(),
        }
    }

    /// The case.
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// The name or the resource that it is about.
    pub fn about(&self) -> &str {
        &self.about
    }
}

impl WarningKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::KeptAlive => "kept-alive",
            Self::Headroom => "headroom",
            Self::Capped => "capped",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.text)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict() {
            Verdict::Keep => "keep",
            Verdict::Reap => "reap",
        };
        let Self { name, kind, id, .. } = self;
        write!(f, "{verdict} {kind} {id:?} of {name}: {}", self.reason)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        let mut warnings = self.warnings.iter();
        warnings.try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
