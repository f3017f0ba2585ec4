//! Tests that could not run. Cargo hides what a passing test prints, so a test that skips also appends
//! a line `TEST: REASON` to the file that `RUNWARD_SKIP_LOG` names. A test of artifacts that belong to others, and are in no clone,
//! begins its line with `DATA`: it is named, and no skip.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Result, workspace};

/// The variable that tells tests where to write their skips.
pub(crate) const LOG: &str = "RUNWARD_SKIP_LOG";
/// The variable under which a skip is a failure.
pub(crate) const FORBID: &str = "RUNWARD_FORBID_SKIPS";

/// The file in which the tests of one run say what they skipped.
pub(crate) struct SkipLog {
    path: PathBuf,
}

impl SkipLog {
    /// Begins with an empty file.
    pub(crate) fn begin() -> Result<Self> {
        let path = workspace::target().join("skips.log");
        fs::create_dir_all(workspace::target())?;
        fs::write(&path, "")?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Each skip once, sorted.
    pub(crate) fn read(&self) -> Result<BTreeSet<String>> {
        Ok(lines(&fs::read_to_string(&self.path)?))
    }

    /// Each test that had nothing to read.
    pub(crate) fn without_data(&self) -> Result<BTreeSet<String>> {
        let log = fs::read_to_string(&self.path)?;
        let tests = log.lines().filter_map(|line| line.strip_prefix(DATA));
        Ok(tests.map(str::to_owned).collect())
    }
}

/// Before the name of a test that reads the data of others.
const DATA: &str = "DATA ";

fn lines(log: &str) -> BTreeSet<String> {
    log.lines()
        .map(|line| line.strip_prefix("SKIP ").unwrap_or(line).trim())
        .filter(|line| !line.is_empty() && !line.starts_with(DATA))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_skip_counts_once_with_or_without_its_prefix() {
        let log = "SKIP b: no redis\nb: no redis\nDATA c: not here\n\na: no cgroup\n";
        let found: Vec<_> = lines(log).into_iter().collect();
        assert_eq!(found, ["a: no cgroup", "b: no redis"]);
    }
}
