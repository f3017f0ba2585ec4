use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Transition, disk};

/// A transition, and the commit with which it was written: one line of `episodes.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Episode {
    /// The number of the commit.
    pub commit: u64,
    /// What changed.
    #[serde(flatten)]
    pub transition: Transition,
}

#[derive(Serialize)]
struct Line<'a> {
    commit: u64,
    #[serde(flatten)]
    transition: &'a Transition,
}

impl Episode {
    /// As text, in one line without its end.
    pub fn encode(commit: u64, transition: &Transition) -> String {
        // As of a state: there is nothing in it that could fail.
        serde_json::to_string(&Line { commit, transition }).unwrap_or_default()
    }

    /// Reads what [`Episode::encode`] wrote.
    ///
    /// # Errors
    ///
    /// When it is anything else.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let bad = |error| Error::new(ErrorKind::State, format!("read an episode: {error}"));
        serde_json::from_str(text).map_err(bad)
    }
}

/// The lines of one commit.
pub(super) fn lines(commit: u64, transitions: &[Transition]) -> String {
    let line = |transition| Episode::encode(commit, transition) + "\n";
    transitions.iter().map(line).collect()
}

/// Cuts off what belongs to a commit that never was: lines beyond that number, and half a line at the end.
pub(super) fn mend(path: &Path, commit: u64) -> Result<(), Error> {
    let Some(bytes) = disk::read(path)? else {
        return Ok(());
    };
    let kept = settled(&bytes, commit);
    if kept == bytes.len() {
        return Ok(());
    }
    disk::cut(path, kept as u64)
}

/// How many bytes of it, from the beginning, are whole lines of commits up to that one. A line in the middle that cannot be read stays.
fn settled(bytes: &[u8], commit: u64) -> usize {
    let last = bytes.iter().rposition(|byte| *byte == b'\n');
    let mut kept = last.map_or(0, |at| at + 1);
    let whole = &bytes[..kept];
    for line in whole.split_inclusive(|byte| *byte == b'\n').rev() {
        match read(line) {
            Some(episode) if episode.commit > commit => kept -= line.len(),
            _ => break,
        }
    }
    kept
}

/// The lines that can be read, oldest first.
pub(super) fn all(path: &Path) -> Result<Vec<Episode>, Error> {
    let bytes = disk::read(path)?.unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(read).collect())
}

fn read(line: &[u8]) -> Option<Episode> {
    serde_json::from_slice(line).ok()
}
