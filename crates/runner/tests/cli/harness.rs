//! A `runward` in a directory of its own, with an environment of its own.
#![expect(
    clippy::unwrap_used,
    reason = "what fails in the harness fails its test"
)]
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) struct Sandbox {
    dir: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command without any of this process's environment but `PATH`, and with its places in here.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runward"));
        command
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("RUNWARD_LOCK_DIR", self.path().join("locks"))
            .env("RUNWARD_HOME", self.path().join("home"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Seen {
        self.run_with(args, &[])
    }

    pub(crate) fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Seen {
        self.command(args)
            .envs(env.iter().copied())
            .output()
            .unwrap()
            .into()
    }

    /// What `run --dry-run` plans.
    pub(crate) fn plan(&self, options: &[&str], env: &[(&str, &str)]) -> serde_json::Value {
        let args: Vec<&str> = [&["run", "--dry-run"], options, &["--", "true"]].concat();
        let seen = self.run_with(&args, env);
        assert_eq!(seen.code, Some(0), "{seen:?}");
        serde_json::from_str(&seen.stdout).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// The names of what is in here now.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl From<Output> for Seen {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Seen {
    /// Refused before anything was started, with `part` in the message and the summary last.
    #[track_caller]
    pub(crate) fn refused(&self, part: &str) {
        assert_eq!(self.code, Some(125), "{self:?}");
        assert!(self.stderr.contains(part), "{part:?} is not in {self:?}");
        assert_eq!(
            self.stderr.lines().last(),
            Some("runward: failed, exit 125, teardown 0s, 0 survivors (none)")
        );
        assert!(self.stdout.is_empty(), "{self:?}");
    }
}
