//! What all measurements share: where programs are, how long to measure, a folder for scratch files.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Result;
use crate::rivals::{Program, Rivals};

pub(crate) struct Setting {
    pub(crate) rivals: Rivals,
    quick: bool,
    programs: PathBuf,
    scratch: TempDir,
}

impl Setting {
    /// Scratch files lie below cargo's target folder, that is, on a disk and not in memory.
    pub(crate) fn new(rivals: Rivals, quick: bool) -> Result<Self> {
        let own = std::env::current_exe()?;
        let programs = own.parent().ok_or("this program has no folder")?.to_owned();
        let scratch = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&programs)?;
        std::env::set_current_dir(scratch.path())?;
        Ok(Self {
            rivals,
            quick,
            programs,
            scratch,
        })
    }

    /// How many rounds to measure.
    pub(crate) fn rounds(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A program that was built with this one.
    pub(crate) fn helper(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// A copy of a program that was built with this one: a linker leaves a file in small pieces in the page cache, which an
    /// installed one, as those of the rivals, is not.
    fn installed(&self, name: &str) -> std::result::Result<PathBuf, String> {
        let (built, copy) = (self.helper(name), self.scratch().join(name));
        if !copy.is_file() {
            std::fs::copy(&built, &copy)
                .map_err(|e| format!("cannot copy {}: {e}", built.display()))?;
        }
        Ok(copy)
    }

    /// A program by name: ours, or one of the rivals.
    pub(crate) fn program(&self, name: &str) -> std::result::Result<Program, String> {
        if name != "runward" {
            return self.rivals.find(name);
        }
        let path = self.installed(name)?;
        let folder = |sub| self.scratch().join(sub).to_string_lossy().into_owned();
        let env = [
            ("RUNWARD_LOCK_DIR".to_owned(), folder("locks")),
            ("RUNWARD_HOME".to_owned(), folder("home")),
        ];
        Ok(Program {
            path,
            env: env.into(),
        })
    }
}
