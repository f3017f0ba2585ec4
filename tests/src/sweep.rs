//! `runward sweep` with the locks and the home of a sandbox.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Sandbox, binaries, running};

/// What a sweep said and how it ended.
#[derive(Debug)]
pub struct Swept {
    /// Its exit code.
    pub code: i32,
    /// What it said as data.
    pub stdout: String,
    /// What it said to people.
    pub stderr: String,
}

/// Sweeps with these options besides.
#[track_caller]
pub fn sweep<S: AsRef<OsStr>>(sandbox: &Sandbox, options: impl IntoIterator<Item = S>) -> Swept {
    finish(command(sandbox).args(options))
}

/// Runs such a command to its end.
#[track_caller]
pub fn finish(command: &mut Command) -> Swept {
    let output = command.output().expect("a sweep");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Swept {
        code: output.status.code().expect("an exit code"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The command of such a sweep, not yet started.
pub fn command(sandbox: &Sandbox) -> Command {
    let mut command = Command::new(binaries::runward());
    running::forget_ci(&mut command);
    command
        .arg("sweep")
        .args(["--lock-dir".as_ref(), sandbox.path("locks").as_os_str()])
        .args(["--home".as_ref(), sandbox.path("home").as_os_str()])
        .current_dir(sandbox.root())
        .stdin(Stdio::null());
    command
}

impl Swept {
    /// Fails the test unless it ended with this code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// What `--json` printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("JSON")
    }

    /// The objects that the plan wants reaped, in its order, as `kind id`.
    pub fn planned(&self) -> Vec<String> {
        let json = self.json();
        let rows = parts(&json).flat_map(|part| list(&part["plan"]["rows"]));
        rows.filter(|row| row["verdict"] == "reap")
            .map(named)
            .collect()
    }

    /// The objects that a report names, in its order, as `kind id`.
    pub fn done(&self) -> Vec<String> {
        let json = self.json();
        let items = parts(&json).flat_map(|part| list(&part["report"]["items"]));
        items.map(named).collect()
    }
}

fn parts(json: &Value) -> impl Iterator<Item = &Value> {
    list(&json["parts"])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn named(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("kind"), text("id"))
}
