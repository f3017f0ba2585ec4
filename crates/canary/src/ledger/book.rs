use std::path::{Path, PathBuf};

use super::envelope::{Head, Saved};
use super::{Episode, Retention, episodes, shelf};
use crate::alert::Outbox;
use crate::disk::{self, Readers};
use crate::{Error, ErrorKind, Stamp, State, Transition};

const STATE: &str = "state.json";
const PREVIOUS: &str = "state.prev";
const BAD: &str = "state.bad";
const EPISODES: &str = "episodes.jsonl";
const SNAPSHOTS: &str = "snapshots";

/// A directory with what is kept between cycles, open for its one writer.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    retention: Retention,
    commit: u64,
    /// Of what stands in the file now; none if there is no file.
    digest: Option<String>,
}

/// What was kept, and how much that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// State and outbox.
    pub saved: Saved,
    /// Where they are from.
    pub origin: Origin,
}

/// Where a state is from. Anything but the first two is to be told: what was red may be forgotten, and forgotten is not green.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The last commit.
    Current,
    /// There has never been one.
    Fresh,
    /// The commit before: the last one cannot be read, for this reason. What changed in it is told again.
    Previous(String),
    /// Neither can be read. The state begins anew, and all that is red will be told as if it were new.
    Forgotten(String),
}

impl Ledger {
    /// Opens a directory, makes it if need be, and mends what a writer left that was killed. What cannot be read is kept aside as `state.bad`.
    ///
    /// # Errors
    ///
    /// When the directory cannot be used. A state that cannot be read is not an error here but an [`Origin`].
    pub fn open(folder: &Path, retention: Retention) -> Result<(Self, Loaded), Error> {
        disk::folder(folder)?;
        let loaded = Self::look(folder)?;
        let current = folder.join(STATE);
        let digest = match loaded.origin {
            Origin::Current => head(&current)?.and_then(Result::ok).map(|head| head.digest),
            _ => None,
        };
        if digest.is_none() && current.exists() {
            disk::shift(&current, &folder.join(BAD))?;
        }
        let log = folder.join(EPISODES);
        let commit = match loaded.origin {
            // What is forgotten has been, and its numbers are not used again.
            Origin::Forgotten(_) => last(folder)?,
            _ => loaded.saved.commit,
        };
        episodes::mend(&log, commit)?;
        let ledger = Self {
            folder: folder.to_owned(),
            retention,
            commit,
            digest,
        };
        Ok((ledger, loaded))
    }

    /// Reads a directory and changes nothing; for whoever is not its writer.
    ///
    /// # Errors
    ///
    /// When a file is there and may not be read.
    pub fn look(folder: &Path) -> Result<Loaded, Error> {
        let why = match decoded(&folder.join(STATE))? {
            Some(Ok(saved)) => return Ok(Loaded::new(saved, Origin::Current)),
            Some(Err(error)) => Some(error.to_string()),
            None => None,
        };
        match (decoded(&folder.join(PREVIOUS))?, why) {
            (Some(Ok(saved)), why) => {
                let why = why.unwrap_or_else(|| format!("{STATE} is gone"));
                Ok(Loaded::new(saved, Origin::Previous(why)))
            }
            (_, Some(why)) => Ok(Loaded::anew(why)),
            (Some(Err(error)), None) => Ok(Loaded::anew(error.to_string())),
            (None, None) if is_used(folder) => Ok(Loaded::anew(format!(
                "{STATE} is gone, while {EPISODES} is there"
            ))),
            (None, None) => Ok(Loaded::new(Saved::default(), Origin::Fresh)),
        }
    }

    /// Writes state and outbox, and what has changed, as one: whoever is killed in between leaves the old or the new.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or when somebody else has written since ([`ErrorKind::Conflict`]). What was there is there still.
    pub fn commit(
        &mut self,
        state: &State,
        outbox: &Outbox,
        changed: &[Transition],
    ) -> Result<(), Error> {
        self.alone()?;
        let next = self.commit + 1;
        let text = Saved::encode(next, state, outbox);
        let written = self
            .log(&episodes::lines(next, changed))
            .and_then(|()| self.replace(&text));
        let now = head(&self.folder.join(STATE))
            .ok()
            .flatten()
            .and_then(Result::ok);
        // Also where the last step failed, which makes it last: it is there.
        if let Some(head) = now.filter(|head| Head::of(&text).is_ok_and(|new| new == *head)) {
            self.commit = next;
            self.digest = Some(head.digest);
        }
        if written.is_err() {
            // If that fails as well, the next to open it does it.
            let _ = episodes::mend(&self.folder.join(EPISODES), self.commit);
        }
        written
    }

    fn log(&self, lines: &str) -> Result<(), Error> {
        match lines {
            "" => Ok(()),
            lines => disk::append(&self.folder.join(EPISODES), lines),
        }
    }

    /// At every instant `state.json` is there, once it has been.
    fn replace(&self, text: &str) -> Result<(), Error> {
        let state = self.folder.join(STATE);
        let new = disk::aside(&state, "new");
        disk::write(&new, text, Readers::Private)?;
        if self.digest.is_some() {
            disk::also(&state, &self.folder.join(PREVIOUS))?;
        }
        disk::put(&new, &state)
    }

    /// Whether what is there is what we wrote, or found, last.
    fn alone(&self) -> Result<(), Error> {
        let path = self.folder.join(STATE);
        let same = match (head(&path)?, &self.digest) {
            (None, None) => true,
            (Some(Ok(head)), Some(digest)) => head.commit == self.commit && head.digest == *digest,
            _ => false,
        };
        if same {
            return Ok(());
        }
        let message = format!(
            "write {}: it is not what this process wrote last, so another one writes it as well; give each its own directory, or end one",
            path.display()
        );
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Keeps a snapshot as a file, puts away old episodes, and removes what has been kept for long enough.
    ///
    /// # Errors
    ///
    /// When it cannot be written. The state does not depend on it.
    pub fn keep(&self, taken: Stamp, snapshot: &str) -> Result<(), Error> {
        shelf::rotate(&self.folder.join(EPISODES), taken, &self.retention)?;
        shelf::keep(
            &self.folder.join(SNAPSHOTS),
            taken,
            snapshot,
            &self.retention,
        )
    }

    /// The snapshots that are kept, oldest first.
    pub fn snapshots(folder: &Path) -> Vec<PathBuf> {
        let kept = shelf::kept(&folder.join(SNAPSHOTS), shelf::SNAPSHOTS);
        kept.into_iter().map(|(_, path)| path).collect()
    }

    /// What changed and is kept, oldest first. A line that cannot be read is left out.
    ///
    /// # Errors
    ///
    /// When a file is there and may not be read.
    pub fn episodes(folder: &Path) -> Result<Vec<Episode>, Error> {
        let old = shelf::kept(folder, shelf::EPISODES);
        let mut found = Vec::new();
        for path in old.into_iter().map(|(_, path)| path) {
            found.extend(episodes::all(&path)?);
        }
        found.extend(episodes::all(&folder.join(EPISODES))?);
        Ok(found)
    }
}

impl Loaded {
    fn new(saved: Saved, origin: Origin) -> Self {
        Self { saved, origin }
    }

    fn anew(why: String) -> Self {
        Self::new(Saved::default(), Origin::Forgotten(why))
    }
}

/// The largest number of a commit that is known of, also of those that were put away.
fn last(folder: &Path) -> Result<u64, Error> {
    let commits = Ledger::episodes(folder)?.into_iter().map(|it| it.commit);
    Ok(commits.max().unwrap_or(0))
}

/// Whether there was ever a commit that changed anything.
fn is_used(folder: &Path) -> bool {
    folder.join(EPISODES).exists() || !shelf::kept(folder, shelf::EPISODES).is_empty()
}

fn decoded(path: &Path) -> Result<Option<Result<Saved, Error>>, Error> {
    let text = disk::read(path)?;
    Ok(text.map(|bytes| Saved::decode(&String::from_utf8_lossy(&bytes))))
}

fn head(path: &Path) -> Result<Option<Result<Head, Error>>, Error> {
    let line = disk::first_line(path)?;
    Ok(line.map(|bytes| Head::of(&String::from_utf8_lossy(&bytes))))
}
