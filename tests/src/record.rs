//! The record that `--result` asks for, field by field as documented.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// What one run did.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Version of the format.
    pub schema: u32,
    /// Id of the run.
    pub run_id: String,
    /// The names that the run owned.
    pub apps: Vec<App>,
    /// The program and its arguments.
    pub argv: Vec<Value>,
    /// Why the run ended.
    pub cause: Cause,
    /// How the program ended, if it ran.
    #[serde(default)]
    pub program: Option<Program>,
    /// The exit code of `runward run`.
    pub exit: i32,
    /// When the run started.
    pub started: Value,
    /// When it ended.
    pub ended: Value,
    /// How the tree was held.
    pub containment: Option<String>,
    /// What the program left behind.
    pub leaks: Vec<Process>,
    /// What could not be ended.
    pub survivors: Vec<Process>,
    /// What was run at the end.
    pub teardowns: Vec<Teardown>,
}

/// One name.
#[derive(Clone, Debug, Deserialize)]
pub struct App {
    /// The name.
    pub name: String,
    /// The number that grows with each holder.
    pub fence: Value,
    /// How long the run waited for it.
    pub waited_ms: u64,
}

/// Why a run ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Cause {
    /// `exited`, `signaled`, `cancelled`, `deadline`, `ancestor`, `owner-killed`, `busy` or `failed`.
    pub kind: String,
    /// The signal that cancelled the run.
    #[serde(default)]
    pub signal: Option<Value>,
    /// Who sent it.
    #[serde(default)]
    pub sender_pid: Option<i32>,
    /// The ancestor that died.
    #[serde(default)]
    pub ancestor_pid: Option<i32>,
}

/// How a program ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Program {
    /// Its exit code.
    #[serde(default)]
    pub code: Option<i32>,
    /// The signal that ended it.
    #[serde(default)]
    pub signal: Option<Value>,
}

/// One process.
#[derive(Clone, Debug, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its command line.
    pub command: String,
}

/// One teardown.
#[derive(Clone, Debug, Deserialize)]
pub struct Teardown {
    /// The command.
    pub command: Value,
    /// Its exit code.
    pub code: Option<i32>,
    /// How long it took.
    pub ms: u64,
}

impl Record {
    /// Reads a record.
    ///
    /// # Panics
    ///
    /// When there is none, or one that is not as documented.
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("no record {}: {error}", path.display()));
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("no record as documented: {error}\n{text}"))
    }
}
