//! What the last cycle said, beside the state: for `status`, which looks at nothing else.
use std::collections::BTreeMap;

use runward_canary::{Report, Snapshot, Stamp};
use serde::{Deserialize, Serialize};

/// Written after the commit: it may be older than the state, and is never newer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) report: Report,
    pub(super) sources: BTreeMap<String, bool>,
    pub(super) ended: Stamp,
    /// How long the longest of all cycles took, in milliseconds.
    pub(super) longest_ms: u64,
    pub(super) warning: Option<String>,
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

    /// After a cycle of some invariants, what is known of the others is what was said before.
    pub(super) fn add_others(&mut self, before: &Report) {
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
}

/// Which sources answered: those of which not every facet failed.
pub(super) fn sources<'a>(
    facets: impl Iterator<Item = (&'a str, &'a str)>,
    snapshot: &Snapshot,
) -> BTreeMap<String, bool> {
    let mut sources = BTreeMap::new();
    for (source, facet) in facets {
        let reading = snapshot.first().get(facet);
        let answered = reading.is_some_and(|reading| reading.table().is_ok());
        *sources.entry(source.to_owned()).or_insert(false) |= answered;
    }
    sources
}
