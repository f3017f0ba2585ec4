//! What the last cycle said, beside the state: for `status`, which looks at nothing else.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use runward_canary::engine::Report;
use runward_canary::render::Unwritten;
use runward_canary::{CauseKind, Reading, Snapshot, Stamp};
use serde::{Deserialize, Serialize};

/// When the last cycle of all invariants ended, if there was none.
const NEVER: Stamp = Stamp::from_micros(0);

/// So far apart are clocks that are well.
const AHEAD: Duration = Duration::from_secs(60);

/// Written after the commit: it may be older than the state, and is never newer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) report: Report,
    pub(super) sources: BTreeMap<String, Option<bool>>,
    /// When the last cycle of all invariants ended.
    pub(super) ended: Stamp,
    /// How long the longest of all cycles took, in milliseconds.
    pub(super) longest_ms: u64,
    pub(super) warning: Option<String>,
    /// Which invariants were judged, all if none; what is said of the others is older.
    #[serde(default)]
    pub(super) only: Option<BTreeSet<String>>,
    /// What could not be written of what others look at.
    #[serde(default)]
    pub(super) unwritten: Vec<Unwritten>,
}

impl Last {
    /// What was said; nothing if it cannot be read, as it can be had again.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn text(&self) -> Result<String, runward_canary::Error> {
        serde_json::to_string(self).map_err(|e| {
            let message = format!("write what was judged: {e}");
            runward_canary::Error::new(runward_canary::ErrorKind::Storage, message)
        })
    }

    /// After a cycle of some invariants: what is known of the others is what was said before, and is as old as that.
    pub(super) fn add_others(&mut self, before: Option<&Self>) {
        self.ended = before.map_or(NEVER, |before| before.ended);
        let Some(before) = before.map(|before| &before.report) else {
            return;
        };
        for (id, verdict) in &before.verdicts {
            let verdicts = &mut self.report.verdicts;
            verdicts
                .entry(id.clone())
                .or_insert_with(|| verdict.clone());
        }
        for (id, coverage) in &before.coverage {
            let all = &mut self.report.coverage;
            all.entry(id.clone()).or_insert_with(|| coverage.clone());
        }
    }

    /// Whether it is of a time that is yet to come.
    pub(super) fn is_ahead(&self, now: Stamp) -> bool {
        self.ended > now.plus(AHEAD)
    }
}

/// Whether each source answered: those of which not every facet failed did, and those of which none was asked for are neither.
pub(super) fn sources<'a>(
    facets: impl Iterator<Item = (&'a str, &'a str)>,
    snapshot: &Snapshot,
) -> BTreeMap<String, Option<bool>> {
    let mut sources: BTreeMap<String, Option<bool>> = BTreeMap::new();
    for (source, facet) in facets {
        let answered = sources.entry(source.to_owned()).or_default();
        let reading = snapshot.first().get(facet);
        *answered = (*answered).max(reading.and_then(is_answer));
    }
    sources
}

/// None if nobody was asked.
fn is_answer(reading: &Reading) -> Option<bool> {
    match reading.table() {
        Ok(_) => Some(true),
        Err(cause) if cause.kind() == CauseKind::NotRun => None,
        Err(_) => Some(false),
    }
}
