use crate::error::Error;
use crate::time::Instant;

/// What a verdict is reached under: bounds on what is read, and the day that waivers are held against.
///
/// What is beyond a bound is a failure, never a wait or an overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    max_file: u64,
    max_depth: usize,
    max_files: usize,
    today: Option<String>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            max_file: 64 << 20,
            max_depth: 128,
            max_files: 20_000,
            today: None,
        }
    }
}

impl Terms {
    /// Files of 64 MiB, 128 levels of nesting, 20,000 files in a bundle; no day, so that no waiver applies.
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest file, in bytes; at most 512 MiB.
    #[must_use]
    pub fn max_file(mut self, bytes: u64) -> Self {
        self.max_file = bytes.min(512 << 20);
        self
    }

    /// The deepest nesting of a JSON document; at most 512 levels.
    #[must_use]
    pub fn max_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels.min(512);
        self
    }

    /// How many files and directories a bundle may have.
    #[must_use]
    pub fn max_files(mut self, files: usize) -> Self {
        self.max_files = files;
        self
    }

    /// The day, as `YYYY-MM-DD`. A waiver applies through the day it expires on.
    ///
    /// # Errors
    ///
    /// When that is no day.
    pub fn today(mut self, day: &str) -> Result<Self, Error> {
        if !is_day(day) {
            let message = format!("`{day}` is no day; write it as 2026-12-31");
            return Err(Error::usage(message));
        }
        self.today = Some(day.to_owned());
        Ok(self)
    }

    pub(crate) fn file(&self) -> u64 {
        self.max_file
    }

    pub(crate) fn depth(&self) -> usize {
        self.max_depth
    }

    pub(crate) fn files(&self) -> usize {
        self.max_files
    }

    pub(crate) fn day(&self) -> Option<&str> {
        self.today.as_deref()
    }
}

pub(crate) fn is_day(day: &str) -> bool {
    day.len() == 10 && Instant::parse(&format!("{day}T00:00:00Z")).is_some()
}
