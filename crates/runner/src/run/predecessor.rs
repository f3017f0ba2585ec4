//! Finishing for a run that was killed, found by the trace that its lock's record keeps.
use std::path::Path;

use runward_lifetime::{Outcome, recover};
use runward_lock::Record;

use super::seal::Judge;
use super::stage::keep_record;

/// What there was to finish.
pub(crate) enum Finished {
    /// The holder before released its lock, or left nothing to finish.
    Nothing,
    /// It has been finished now.
    Now(Box<Outcome>),
    /// It was killed, and its journal is gone or cannot be told from one that is.
    Lost,
}

/// Ends what a holder that did not release its lock may still have running, and runs the teardowns that it did not. To be called
/// under that lock.
pub(crate) fn finish(before: Option<&Record>) -> Result<Finished, runward_lifetime::Error> {
    let dead = before.filter(|record| !record.released() && !record.trace().is_empty());
    let Some(dead) = dead else {
        return Ok(Finished::Nothing);
    };
    let finished = finish_journal(Path::new(dead.trace()))?;
    Ok(finished.map_or(Finished::Lost, |outcome| Finished::Now(Box::new(outcome))))
}

/// The same by the journal itself; none where nothing is left to do.
pub(crate) fn finish_journal(journal: &Path) -> Result<Option<Outcome>, runward_lifetime::Error> {
    recover(journal, |outcome, note| {
        if let Ok(note) = serde_json::from_str(note) {
            keep_record(outcome, &note, &Judge::default());
        }
    })
}
