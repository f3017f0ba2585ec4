//! The command line of `fixture-teardown`, and the trace that it leaves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Gate, Line, Sandbox, binaries};

/// A teardown that logs its start and its end.
#[derive(Clone, Debug)]
pub struct Teardown {
    log: PathBuf,
    words: Vec<String>,
}

impl Teardown {
    /// A teardown with a log of its own.
    pub fn new(sandbox: &Sandbox) -> Self {
        Self::logging_to(sandbox, &sandbox.fresh("teardown-log"))
    }

    /// A teardown with this log.
    pub fn logging_to(sandbox: &Sandbox, log: &Path) -> Self {
        let program = binaries::fixture("teardown").display().to_string();
        let teardown = Self {
            log: log.to_owned(),
            words: vec![program],
        };
        teardown
            .with("--token", sandbox.token())
            .with("--log", log.display())
    }

    /// Reports over this line, too.
    pub fn line(self, line: &Line) -> Self {
        self.with("--line", line.path().display())
    }

    /// Waits at this gate between start and end.
    pub fn gate(self, gate: &Gate) -> Self {
        self.with("--gate", gate.path().display())
    }

    /// Takes so long.
    pub fn work(self, milliseconds: u64) -> Self {
        self.with("--work", milliseconds)
    }

    /// Exits with this code.
    pub fn exit(self, code: i32) -> Self {
        self.with("--exit", code)
    }

    /// Writes so many bytes to each of its outputs.
    pub fn bytes(self, count: usize) -> Self {
        self.with("--bytes", count)
    }

    /// The command as `--teardown` takes it.
    pub fn command(&self) -> String {
        self.words.join(" ")
    }

    /// The lines of the log, whose second words are process ids.
    pub fn trace(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How often it started, and how often it came to its end.
    pub fn counts(&self) -> (usize, usize) {
        let trace = self.trace();
        let count = |word: &str| trace.iter().filter(|line| line.starts_with(word)).count();
        (count("start"), count("end"))
    }

    /// Fails the test unless it ran once, from its start to its end.
    #[track_caller]
    pub fn assert_once(&self) {
        assert_eq!(
            self.counts(),
            (1, 1),
            "starts and ends of the teardown: {:?}",
            self.trace()
        );
    }

    fn with(mut self, option: &str, value: impl ToString) -> Self {
        self.words.push(option.to_owned());
        self.words.push(value.to_string());
        self
    }
}
