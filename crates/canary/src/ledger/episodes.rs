use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Transition, disk};

/// One line of `episodes.jsonl`: a transition, and the commit with which it was written.
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

/// The lines of one commit.
pub(super) fn lines(commit: u64, transitions: &[Transition]) -> String {
    let mut text = String::new();
    for transition in transitions {
        let line = Line { commit, transition };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    text
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
