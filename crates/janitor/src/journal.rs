//! What is remembered of a name between passes, in a file of its own that is written only under its lock, and replaced as a whole.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runward_lock::Name;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::home::Home;
use crate::policy::Backoff;

/// The attempts at one name since it was last found clean.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Entry {
    attempts: u32,
    /// Attempts in a row of which nobody wrote the end: the janitor was killed.
    interrupted: u32,
    last: String,
    /// Unix time before which it is left alone.
    not_before: u64,
}

impl Entry {
    pub(crate) fn interrupted(&self) -> u32 {
        self.interrupted
    }

    /// Why it is left alone now. A time further off than any back-off is that of another clock.
    pub(crate) fn waits(&self, backoff: &Backoff) -> Option<String> {
        let wait = Duration::from_secs(self.not_before.checked_sub(now())?);
        if wait.is_zero() || wait > backoff.longest {
            return None;
        }
        let Self { attempts, last, .. } = self;
        let times = if *attempts == 1 { "time" } else { "times" };
        Some(format!(
            "tried {attempts} {times}, next in {} s: {last}",
            wait.as_secs()
        ))
    }

    /// The attempt that begins now. Should nobody live to write its end, it counts as interrupted; the second in a row waits like a failure.
    fn begun(&self, backoff: &Backoff) -> Self {
        let interrupted = self.interrupted.saturating_add(1);
        let wait = if interrupted < 2 {
            0
        } else {
            backoff.after(interrupted).as_secs()
        };
        Self {
            attempts: self.attempts.saturating_add(1),
            interrupted,
            last: "the janitor was killed at it".to_owned(),
            not_before: now() + wait,
        }
    }

    fn failed(&self, why: &str, backoff: &Backoff) -> Self {
        Self {
            interrupted: 0,
            last: why.to_owned(),
            not_before: now() + backoff.after(self.attempts).as_secs(),
            ..self.clone()
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// The entries of all names.
pub(crate) struct Journal<'a> {
    home: &'a Home,
    backoff: Backoff,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(home: &'a Home, backoff: Backoff) -> Self {
        Self { home, backoff }
    }

    /// All that there is. What cannot be read steers nothing but the pace, so it counts as nothing.
    pub(crate) fn read(&self) -> HashMap<String, Entry> {
        let files = fs::read_dir(self.home.journal())
            .into_iter()
            .flatten()
            .flatten();
        let entry = |file: fs::DirEntry| {
            let entry = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
            Some((file.file_name().into_string().ok()?, entry))
        };
        files.filter_map(entry).collect()
    }

    /// To be called under the lock of the name, before anything is done.
    pub(crate) fn begin(&self, name: &Name) -> Result<(), Error> {
        self.write(name, &self.entry(name).begun(&self.backoff))
    }

    pub(crate) fn fail(&self, name: &Name, why: &str) -> Result<(), Error> {
        self.write(name, &self.entry(name).failed(why, &self.backoff))
    }

    pub(crate) fn clear(&self, name: &Name) {
        // An entry that stays only makes the next attempt its second one.
        let _ = fs::remove_file(self.path(name));
    }

    fn entry(&self, name: &Name) -> Entry {
        let bytes = fs::read(self.path(name)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn write(&self, name: &Name, entry: &Entry) -> Result<(), Error> {
        let path = self.path(name);
        // No name begins with a dot.
        let fresh = self.home.journal().join(format!(".{name}"));
        let text = serde_json::to_vec(entry).unwrap_or_default();
        let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path));
        written.map_err(|e| {
            let _ = fs::remove_file(&fresh);
            Error::home("cannot write journal", &path, e)
        })
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.home.journal().join(name.as_str())
    }
}
