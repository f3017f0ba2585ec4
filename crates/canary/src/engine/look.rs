use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::stamp::micros;
use crate::{Cause, CauseKind, Facts, Finding, Invariant, Memory, Reading, Severity, Tally, View};

/// The key of a finding: its kind, then its subject.
pub(crate) type Id = (String, String);

/// What a check says of one cut, put in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) examined: u64,
    pub(crate) arms: BTreeMap<String, u64>,
    pub(crate) findings: BTreeMap<Id, Finding>,
    pub(crate) blind: BTreeMap<String, Cause>,
    /// The kinds that nobody could look for.
    pub(crate) dark: BTreeMap<String, Cause>,
    pub(crate) witnesses: BTreeMap<String, Facts>,
    /// Subjects that something was found of which does not fire: nobody can say that they are gone.
    pub(crate) doubtful: BTreeSet<String>,
    /// What has rows, and how many: while something has, a red subject that nobody mentions is gone.
    pub(crate) among: Option<(String, u64)>,
}

/// Why there is no [`Look`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    Unjudged(Cause),
    Errored(Cause),
}

/// Runs a check, unless something that it needs is missing. What it remembers is changed in place: the caller keeps it only if there is a look.
pub(crate) fn look(
    invariant: &Invariant,
    view: &View<'_>,
    red: &BTreeSet<String>,
    memory: &mut Memory,
) -> Result<Look, Miss> {
    // What a check breaks by going down is its tally and its memory, and both are dropped then.
    let guarded = AssertUnwindSafe(|| run(invariant, view, red, memory));
    catch_unwind(guarded).unwrap_or_else(|panic| {
        let words = format!("the check went down: {}", words(&*panic));
        Err(Miss::Errored(Cause::new(CauseKind::Crashed, words)))
    })
}

/// What somebody said who panicked.
pub(crate) fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

fn run(
    invariant: &Invariant,
    view: &View<'_>,
    red: &BTreeSet<String>,
    memory: &mut Memory,
) -> Result<Look, Miss> {
    let needs = invariant.check.needs();
    let readings = needed(&needs, view).map_err(Miss::Unjudged)?;
    let compared = read(&invariant.check.reads(), view);
    near(&compared, invariant.terms.max_skew).map_err(Miss::Unjudged)?;
    let mut tally = Tally::new(memory, red);
    invariant.check.check(view, &mut tally);
    if let Some(cause) = tally.unjudged {
        return Err(Miss::Unjudged(cause));
    }
    let mut look = Look {
        examined: tally.examined,
        arms: tally.arms,
        findings: by_key(tally.findings, invariant.meta.severity),
        blind: tally.blind,
        dark: tally.dark,
        witnesses: tally.witnesses,
        doubtful: BTreeSet::new(),
        among: among(invariant, &needs, view),
    };
    look.hide(&readings);
    Ok(look)
}

fn needed<'a>(needs: &[&str], view: &View<'a>) -> Result<Vec<&'a Reading>, Cause> {
    let read = |facet: &&str| {
        view.table(facet)?;
        view.reading(facet)
    };
    needs.iter().map(read).collect()
}

/// Those that there are.
fn read<'a>(facets: &[&str], view: &View<'a>) -> Vec<&'a Reading> {
    let readings = facets.iter().filter_map(|facet| view.reading(facet).ok());
    readings.filter(|reading| reading.table().is_ok()).collect()
}

/// Whether the readings lie near enough to each other to be compared.
fn near(readings: &[&Reading], most: Option<Duration>) -> Result<(), Cause> {
    let begun = readings.iter().map(|reading| reading.begun).min();
    let ended = readings.iter().map(|reading| reading.ended).max();
    let (Some(most), Some(begun), Some(ended)) = (most, begun, ended) else {
        return Ok(());
    };
    let apart = ended.since(begun);
    if apart <= micros(most) {
        return Ok(());
    }
    let words = format!(
        "the readings took {apart} µs from the first to the last, at most {most:?} is allowed"
    );
    Err(Cause::new(CauseKind::Skew, words))
}

/// Two findings of one key are one, whichever came first.
fn by_key(findings: Vec<Finding>, severity: Severity) -> BTreeMap<Id, Finding> {
    let mut keyed: BTreeMap<Id, Finding> = BTreeMap::new();
    for mut finding in findings {
        finding.severity.get_or_insert(severity);
        let key = (finding.kind.clone(), finding.subject.clone());
        match keyed.get_mut(&key) {
            Some(known) => merge(known, finding),
            None => drop(keyed.insert(key, finding)),
        }
    }
    keyed
}

fn merge(known: &mut Finding, other: Finding) {
    known.elements.extend(other.elements);
    known.severity = known.severity.max(other.severity);
    if other.facts < known.facts {
        known.facts = other.facts;
    }
}

/// The first facet that shows that somebody was there to be seen.
fn among(invariant: &Invariant, needs: &[&str], view: &View<'_>) -> Option<(String, u64)> {
    let named = invariant.terms.among.as_deref();
    let facets = match &named {
        Some(one) => std::slice::from_ref(one),
        None => needs,
    };
    let rows = |facet: &&str| view.table(facet).map_or(0, |table| table.len() as u64);
    let seen = facets.iter().find(|facet| rows(facet) > 0)?;
    Some(((*seen).to_owned(), rows(seen)))
}

impl Look {
    /// What was said of a subject that a needed reading has a gap for counts for nothing.
    fn hide(&mut self, readings: &[&Reading]) {
        for (subject, cause) in readings.iter().flat_map(|reading| &reading.gaps) {
            let known = self.blind.entry(subject.clone());
            known
                .and_modify(|known| *known = known.clone().min(cause.clone()))
                .or_insert_with(|| cause.clone());
        }
        let blind = &self.blind;
        self.findings
            .retain(|(_, subject), _| !blind.contains_key(subject));
        self.witnesses
            .retain(|subject, _| !blind.contains_key(subject));
    }

    /// The subjects that are found wanting.
    pub(crate) fn suspects(&self) -> BTreeSet<String> {
        let subjects = self.findings.keys().map(|(_, subject)| subject.clone());
        subjects.collect()
    }
}
