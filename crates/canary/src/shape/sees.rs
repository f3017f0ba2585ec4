//! `sees`: who looks is not blind. The only shape that fires when a reading failed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Shape;
use super::cell::{Whose, facts, micros, secs};
use super::common::kinds;
use super::facet::{facet, name};
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::rules::{FacetRule, Facets};
use crate::{Cause, CauseKind, Check, Fact, Facts, Finding, Severity, Tally, View};

pub(super) const SHAPE: Shape = Shape {
    name: "sees",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("roster", Form::Text),
    key("evidence", Form::Texts),
    key("hints", Form::Texts),
    key("confirm_after", Form::Duration),
];

const KINDS: [&str; 3] = [
    "roster_read_failed",
    "roster_empty_contradicted",
    "roster_empty_unverifiable",
];
const FAILED: usize = 0;
const CONTRADICTED: usize = 1;
const UNVERIFIABLE: usize = 2;

/// Since when something is wrong, whatever it is.
const SUSPECT: &str = "suspect";
const DAY: Duration = Duration::from_secs(86_400);

struct Sees {
    roster: String,
    /// What proves that somebody is there …
    evidence: Vec<String>,
    /// … and what a leak would leave as well, so that it proves nothing.
    hints: Vec<String>,
    confirm_after: Duration,
    kinds: Vec<String>,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let roster = facet(fields, "roster", facets)?;
    let independent = |key| -> Result<Vec<String>> {
        let nodes = fields.get(key).map(Node::several).unwrap_or_default();
        nodes
            .iter()
            .map(|node| witness(node, roster, facets))
            .collect()
    };
    let evidence = independent("evidence")?;
    if evidence.is_empty() {
        return Err(
            fields.error("`evidence` is missing: facets of another source that show who is there")
        );
    }
    Ok(Box::new(Sees {
        roster: name(roster),
        hints: independent("hints")?,
        confirm_after: fields
            .duration("confirm_after")?
            .unwrap_or(Duration::from_secs(60)),
        kinds: kinds(fields, &KINDS)?,
        evidence,
    }))
}

/// A witness who has it from the one under suspicion is none.
fn witness(node: &Node, roster: &FacetRule, facets: &Facets) -> Result<String> {
    let facet = facets.need(node)?;
    let suspects = facets.sources_of(roster);
    let shared = facets
        .sources_of(facet)
        .into_iter()
        .find(|source| suspects.iter().any(|one| one.is_like(source)));
    match shared {
        None => Ok(name(facet)),
        Some(source) => {
            let message = format!(
                "facet `{}` is no evidence: it depends on the source `{}`, as `{}` does",
                facet.ask().facet,
                source.name(),
                roster.ask().facet
            );
            Err(node.error(message))
        }
    }
}

/// What the witnesses say.
#[derive(Default)]
struct Said<'a> {
    names: BTreeSet<&'a str>,
    unread: Vec<&'a str>,
}

impl<'a> Said<'a> {
    fn of(facets: &'a [String], view: &View<'a>) -> Self {
        let mut said = Self::default();
        for facet in facets {
            match view.table(facet) {
                Ok(table) => {
                    let whose = Whose::of(table, facet);
                    said.names
                        .extend(table.rows().map(|row| whose.subject(row)));
                    if view
                        .reading(facet)
                        .is_ok_and(|reading| !reading.gaps().is_empty())
                    {
                        said.unread.push(facet);
                    }
                }
                Err(_) => said.unread.push(facet),
            }
        }
        said
    }
}

impl Check for Sees {
    /// None: that a reading failed is what it is about.
    fn needs(&self) -> Vec<&str> {
        Vec::new()
    }

    fn kinds(&self) -> Vec<&str> {
        self.kinds.iter().map(String::as_str).collect()
    }

    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
        let evidence = Said::of(&self.evidence, view);
        let hints = Said::of(&self.hints, view);
        tally.examined(1);
        for kind in &self.kinds {
            tally.arm(kind, 1);
        }
        match self.suspicion(view, &evidence, &hints) {
            None => {
                tally.memory().forget(SUSPECT);
                tally.memory().trust();
                let known = view.table(&self.roster).map_or(0, |table| table.len());
                tally.held(&self.roster, || facts([("known", count(known))]));
            }
            Some(kind) => self.confirm(kind, view, (&evidence, &hints), tally),
        }
    }
}

fn count(count: usize) -> Fact {
    Fact::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

impl Sees {
    fn suspicion(&self, view: &View<'_>, evidence: &Said<'_>, hints: &Said<'_>) -> Option<usize> {
        let unread = !evidence.unread.is_empty() || !hints.unread.is_empty();
        match view.table(&self.roster) {
            Err(_) => Some(FAILED),
            Ok(table) if !table.is_empty() => None,
            Ok(_) if !evidence.names.is_empty() => Some(CONTRADICTED),
            Ok(_) if unread || !hints.names.is_empty() => Some(UNVERIFIABLE),
            Ok(_) => None,
        }
    }

    /// A suspicion has to last. If nobody knows since when it lasts, it is said at once.
    fn confirm(
        &self,
        kind: usize,
        view: &View<'_>,
        said: (&Said<'_>, &Said<'_>),
        tally: &mut Tally<'_>,
    ) {
        let lost = tally.memory().is_lost();
        let since = tally.memory().seen(SUSPECT, "", view.taken(), DAY);
        let lasts = view.taken().since(since.first);
        if !lost && lasts < micros(self.confirm_after) {
            let detail = format!("{}: not confirmed yet", self.kinds[kind]);
            return tally.blind(&self.roster, Cause::new(CauseKind::Empty, detail));
        }
        let mut found = Finding::new(&*self.roster, &*self.kinds[kind]);
        found.severity = Some(if kind == UNVERIFIABLE {
            Severity::Major
        } else {
            Severity::Critical
        });
        found.facts = self.facts(view, said);
        let sustained = lasts >= micros(self.confirm_after);
        let how = if sustained {
            "sustained"
        } else {
            "unconfirmed"
        };
        found.facts.extend(facts([
            ("confirmation", Fact::id(how)),
            ("blind_since", Fact::Stamp(since.first)),
            ("blind_for", secs(lasts)),
        ]));
        tally.found(found);
    }

    fn facts(&self, view: &View<'_>, (evidence, hints): (&Said<'_>, &Said<'_>)) -> Facts {
        let mut found = facts([
            ("evidence_count", count(evidence.names.len())),
            ("evidence", Fact::ids(evidence.names.iter().copied())),
            ("hints_count", count(hints.names.len())),
            (
                "unread",
                Fact::ids(evidence.unread.iter().chain(&hints.unread).copied()),
            ),
        ]);
        match view.table(&self.roster) {
            Ok(table) => found.insert("known".to_owned(), count(table.len())),
            Err(cause) => found.insert("cause".to_owned(), Fact::id(cause.to_string())),
        };
        found
    }
}
