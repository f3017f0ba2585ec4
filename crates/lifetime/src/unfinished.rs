//! A look at the journal of a run that nobody finishes any more.

use std::path::Path;

use crate::{Error, journal::Journal};

/// A run whose owner and guardian are both dead, and which has not been finished.
#[derive(Clone, Debug)]
pub struct Unfinished {
    run_id: String,
    note: String,
}

impl Unfinished {
    /// Looks at a journal without waiting and without changing anything: none where there is none,
    /// where its run lives, or where somebody is finishing it right now.
    ///
    /// # Errors
    ///
    /// [`Journal`](crate::ErrorKind::Journal) where it cannot be read. That is no evidence of anything.
    pub fn look(journal: &Path) -> Result<Option<Self>, Error> {
        let Some(journal) = Journal::open_unowned(journal)? else {
            return Ok(None);
        };
        let header = journal.state().header;
        Ok(Some(Self {
            run_id: header
                .as_ref()
                .map_or_else(String::new, |h| h.settings.run_id.clone()),
            note: header.map_or_else(String::new, |h| h.note),
        }))
    }

    /// What was given to [`Armed::start`](crate::Armed::start) as the note, by the journal of a run that somebody still has: the run
    /// itself, or whoever finishes it. None where nobody has it.
    ///
    /// # Errors
    ///
    /// As for [`look`](Self::look).
    pub fn note_while_kept(journal: &Path) -> Result<Option<String>, Error> {
        let kept = Journal::open_to_look(journal)?;
        let header = kept.and_then(|kept| kept.state().header);
        Ok(header.map(|header| header.note))
    }

    /// The id of the run; empty where the disk was full when it was to be written.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// What was given to [`Armed::start`](crate::Armed::start) as the note.
    pub fn note(&self) -> &str {
        &self.note
    }
}
