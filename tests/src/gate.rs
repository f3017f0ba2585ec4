//! A named pipe at which a process under test waits until the test lets it pass.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A closed gate; each [`Gate::open`] lets one process pass.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    pipe: File,
}

impl Gate {
    pub(crate) fn make(path: PathBuf) -> Self {
        crate::line::make_fifo(&path);
        // Open for both, so that neither side waits for the other to come, and so that the death of
        // the test is the end of file for those who wait.
        let pipe = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("a fresh named pipe opens");
        Self { path, pipe }
    }

    /// The path for the one who waits.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets one process pass.
    pub fn open(&mut self) {
        self.pipe
            .write_all(b"g")
            .expect("a gate has room for a byte");
    }

    /// Lets a shell pass that reads a line.
    pub fn open_line(&mut self) {
        self.pipe
            .write_all(b"go\n")
            .expect("a gate has room for a line");
    }
}
