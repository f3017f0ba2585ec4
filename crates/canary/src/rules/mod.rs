//! The rules file: what is read, what must hold, and what happens if it does not. [`Rules`] are read from it, and say each of its parts.

pub(crate) mod fields;
pub(crate) mod node;

mod alert;
mod described;
mod digest;
mod drill;
mod facet;
mod include;
mod invariant;
mod ledger;
mod output;
mod placeholders;
mod policy;
mod schema;
mod source;
mod spots;
mod terms;
mod trail;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use alert::AlertRule;
pub use described::{Described, KindOf, Takes};
pub use drill::Drill;
pub use facet::FacetRule;
pub use ledger::LedgerRule;
pub use output::Output;
pub use policy::{Policy, Retention};
pub use source::SourceRule;

pub(crate) use facet::Facets;

use fields::{Fields, Form, Key, key};
use node::{Node, Result};

use crate::{Error, Invariant};

/// A rule set that was read whole: every key known, every facet resolved, every shape made.
#[derive(Debug)]
pub struct Rules {
    title: String,
    digest: String,
    sources: Vec<SourceRule>,
    facets: Vec<FacetRule>,
    invariants: Vec<Invariant>,
    off: Vec<(String, String)>,
    drills: Vec<Drill>,
    policy: Policy,
    retention: Retention,
    alerts: Vec<AlertRule>,
    ledger: LedgerRule,
    output: Output,
}

const KEYS: &[Key] = &[
    key("schema", Form::Int),
    key("title", Form::Text),
    key("include", Form::Texts),
    key("source", Form::Text),
    key("facet", Form::Text),
    key("invariant", Form::Text),
    key("drill", Form::Text),
    key("policy", Form::Text),
    key("retention", Form::Text),
    key("alert", Form::Text),
    key("ledger", Form::Text),
    key("output", Form::Text),
];

impl Rules {
    /// Reads a rule set; `name` is what messages call it. It may include shipped sets, but no files.
    ///
    /// # Errors
    ///
    /// When it cannot be used; the message begins with file, line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        Self::read(&include::whole(name, text, None)?)
    }

    /// Reads a rule set from a file, with shipped sets and files beside it that it includes.
    ///
    /// # Errors
    ///
    /// As [`Rules::parse`]; and when a file cannot be read, is larger than 16 MiB, or is no UTF-8.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = include::text(path)?;
        let root = include::whole(&path.display().to_string(), &text, path.parent())?;
        Self::read(&root)
    }

    fn read(root: &Node) -> Result<Self> {
        let fields = Fields::new(root, "a rule set", &[KEYS])?;
        if let Some(schema) = fields
            .get("schema")
            .filter(|schema| schema.int().ok() != Some(1))
        {
            return Err(schema.error("this is not schema 1, the only one that is known here"));
        }
        let sources = source::read(fields.get("source"))?;
        let policy = policy::read(fields.get("policy"))?;
        let facets = facet::read(fields.get("facet"), &sources, policy.interval)?;
        let (invariants, off, idle) = invariant::read(fields.get("invariant"), &facets)?;
        let drills = drill::read(fields.get("drill"), &invariants, &off)?;
        Ok(Self {
            title: fields.text("title")?.unwrap_or("canary").to_owned(),
            digest: digest::of(root),
            policy,
            retention: policy::retention(fields.get("retention"))?,
            alerts: alert::read(fields.get("alert"))?,
            output: output::read(fields.get("output"))?,
            ledger: ledger::read(fields.get("ledger"))?,
            facets: facets.in_order(&idle),
            sources,
            invariants,
            off,
            drills,
        })
    }

    /// What a source refused, with the place in the rules that it is about.
    #[must_use]
    pub fn placed(&self, error: Error) -> Error {
        let Some(about) = error.what() else {
            return error;
        };
        let named = |name: &Option<String>, one: &str| name.as_deref() == Some(one);
        let mut facets = self.facets.iter();
        let facet = facets.find(|facet| named(&about.facet, &facet.ask().facet));
        let mut sources = self.sources.iter();
        let source = sources.find(|source| named(&about.source, source.name()));
        let spots = facet
            .map(FacetRule::spots)
            .or(source.map(SourceRule::spots));
        let setting = about.setting.as_deref();
        match spots {
            Some(spots) => spots.error(setting, &about.why),
            None => error,
        }
    }

    /// The names and the texts of the rule sets that come with the crate.
    pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
        include::SHIPPED.iter().copied()
    }

    /// How rule files are written: the page of the language.
    pub fn language() -> &'static str {
        include_str!("../../LANGUAGE.md")
    }

    /// The JSON Schema (draft 2020-12) of the language. What belongs to kinds of sources and alerts is open in it.
    pub fn schema() -> String {
        schema::schema(&[], &[], &[])
    }

    /// The same, with these kinds of sources, what all of their facets may have, and these kinds of alerts, and no others.
    pub fn schema_of(sources: &[KindOf], facet: &[Described], alerts: &[KindOf]) -> String {
        schema::schema(sources, facet, alerts)
    }

    /// What the set calls itself.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The SHA-256 of what the set says, with all that it includes, in hexadecimal. Comments, order and white space are not in it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where readings come from, in the order of the file.
    pub fn sources(&self) -> &[SourceRule] {
        &self.sources
    }

    /// What is read, in an order in which each finds what it needs read before. What only invariants would look at that are off is not read.
    pub fn facets(&self) -> &[FacetRule] {
        &self.facets
    }

    /// What must hold, by id.
    pub fn invariants(&self) -> &[Invariant] {
        &self.invariants
    }

    /// The ids of invariants that were switched off, and why.
    pub fn off(&self) -> impl Iterator<Item = (&str, &str)> {
        self.off.iter().map(|(id, why)| (&**id, &**why))
    }

    /// How each kind is shown to fire.
    pub fn drills(&self) -> &[Drill] {
        &self.drills
    }

    /// When to look, and when to say something.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How long what was seen is kept.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// Where alerts go.
    pub fn alerts(&self) -> &[AlertRule] {
        &self.alerts
    }

    /// Where the state of things is shown.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Where the state is kept.
    pub fn ledger(&self) -> &LedgerRule {
        &self.ledger
    }
}

/// Letters, digits and `. - _`: fit for a key, a file name and a command line.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 100 && name.chars().all(fits)
}
