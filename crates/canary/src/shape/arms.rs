//! Several shapes under one id: one for each mode of a subject, or for each way to be wrong.

use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::{Cause, Check, Tally, View};

pub(crate) const KEYS: &[Key] = &[key("arm", Form::Arms)];

struct Arms(Vec<Box<dyn Check>>);

pub(super) fn read(node: &Node, others: &[&[Key]], facets: &Facets) -> Result<Box<dyn Check>> {
    let mut known: Vec<&[Key]> = vec![KEYS];
    known.extend(others);
    let fields = Fields::new(node, "an invariant with arms", &known)?;
    let nodes = fields.need("arm")?;
    let mut arms: Vec<Box<dyn Check>> = Vec::new();
    for node in nodes.list()? {
        if node.get("arm").is_some() {
            return Err(node.error("an arm has no arms"));
        }
        let arm = super::read(node, &[], facets)?;
        let before: Vec<&str> = arms.iter().flat_map(|arm| arm.kinds()).collect();
        if let Some(twice) = arm.kinds().into_iter().find(|kind| before.contains(kind)) {
            let message = format!("two arms have a kind `{twice}`: rename one with `kinds`");
            return Err(node.error(message));
        }
        arms.push(arm);
    }
    let remembers = |node: &&Node| {
        let shape = node.get("shape").and_then(|shape| shape.text().ok());
        matches!(shape, Some("absorbing" | "dwell" | "sees")) || node.get("epoch").is_some()
    };
    if let Some(second) = nodes.list()?.iter().filter(remembers).nth(1) {
        let message = "only one arm may remember earlier cycles: give the other an id of its own";
        return Err(second.error(message));
    }
    match arms.is_empty() {
        true => Err(nodes.error("there are no arms")),
        false => Ok(Box::new(Arms(arms))),
    }
}

impl Check for Arms {
    /// What all arms need. One that lacks something of its own says that its subjects are blind, and the others go on.
    fn needs(&self) -> Vec<&str> {
        let Some((first, others)) = self.0.split_first() else {
            return Vec::new();
        };
        let mut needs = first.needs();
        needs.retain(|need| others.iter().all(|arm| arm.needs().contains(need)));
        needs
    }

    fn reads(&self) -> Vec<&str> {
        let mut reads: Vec<&str> = self.0.iter().flat_map(|arm| arm.reads()).collect();
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    fn kinds(&self) -> Vec<&str> {
        self.0.iter().flat_map(|arm| arm.kinds()).collect()
    }

    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
        let mut blind = Vec::new();
        for arm in &self.0 {
            match unread(&**arm, view) {
                None => arm.check(view, tally),
                Some(cause) => blind.push((arm.kinds(), cause)),
            }
        }
        for (kinds, cause) in blind {
            hold(tally, &cause);
            for kind in &kinds {
                tally.dark(kind, cause.clone());
            }
            tally.blind(&format!("({})", kinds.join(", ")), cause);
        }
    }
}

/// Whoever is red is not gone, unless another arm has seen it.
fn hold(tally: &mut Tally<'_>, cause: &Cause) {
    for subject in tally.red {
        let found = tally.findings.iter().any(|found| found.subject == *subject);
        if !found && !tally.witnesses.contains_key(subject) {
            tally.blind(subject, cause.clone());
        }
    }
}

fn unread(arm: &dyn Check, view: &View<'_>) -> Option<Cause> {
    arm.needs()
        .into_iter()
        .find_map(|facet| view.table(facet).err())
}
