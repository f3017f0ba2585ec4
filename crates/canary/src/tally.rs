use std::collections::{BTreeMap, BTreeSet};

use crate::{Cause, Facts, Finding, Memory};

/// What a check says, as it goes. The engine makes the verdict of it.
#[derive(Debug)]
pub struct Tally<'a> {
    pub(crate) memory: &'a mut Memory,
    /// The subjects that are red; of these alone, a witness is kept.
    pub(crate) red: &'a BTreeSet<String>,
    pub(crate) examined: u64,
    pub(crate) arms: BTreeMap<String, u64>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) blind: BTreeMap<String, Cause>,
    pub(crate) dark: BTreeMap<String, Cause>,
    pub(crate) unjudged: Option<Cause>,
    pub(crate) witnesses: BTreeMap<String, Facts>,
}

impl<'a> Tally<'a> {
    /// Nothing has been examined yet.
    pub fn new(memory: &'a mut Memory, red: &'a BTreeSet<String>) -> Self {
        Self {
            memory,
            red,
            examined: 0,
            arms: BTreeMap::new(),
            findings: Vec::new(),
            blind: BTreeMap::new(),
            dark: BTreeMap::new(),
            unjudged: None,
            witnesses: BTreeMap::new(),
        }
    }

    /// So many elements were looked at, and could have been found wanting.
    pub fn examined(&mut self, count: u64) {
        self.examined += count;
    }

    /// So many of them by the arm that finds this kind.
    pub fn arm(&mut self, kind: &str, count: u64) {
        *self.arms.entry(kind.to_owned()).or_default() += count;
    }

    /// The subject is as it should be. The facts are asked for only if it was red before: they are the witness of its recovery.
    pub fn held(&mut self, subject: &str, facts: impl FnOnce() -> Facts) {
        if self.red.contains(subject) {
            keep_least(&mut self.witnesses, subject, facts());
        }
    }

    /// The subject is not as it should be.
    pub fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Nothing can be said of this subject: its state stays what it was.
    pub fn blind(&mut self, subject: &str, cause: Cause) {
        keep_least(&mut self.blind, subject, cause);
    }

    /// Nothing can be said of this kind: whoever is red by it stays so, however well it is otherwise.
    pub(crate) fn dark(&mut self, kind: &str, cause: Cause) {
        keep_least(&mut self.dark, kind, cause);
    }

    /// Nothing can be said at all, whatever was said before.
    pub fn unjudged(&mut self, cause: Cause) {
        self.unjudged = self.unjudged.take().into_iter().chain([cause]).min();
    }

    /// What was seen in earlier cycles.
    pub fn memory(&mut self) -> &mut Memory {
        self.memory
    }
}

/// What is said twice of a subject is the same in the end, in whichever order it was said.
fn keep_least<T: Ord>(map: &mut BTreeMap<String, T>, subject: &str, said: T) {
    match map.get_mut(subject) {
        Some(known) if *known <= said => {}
        Some(known) => *known = said,
        None => drop(map.insert(subject.to_owned(), said)),
    }
}
