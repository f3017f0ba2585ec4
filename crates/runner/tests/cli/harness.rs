//! A `runward` in a directory of its own, with an environment of its own.
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

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

/// A run that goes on; killed and reaped when its test ends, however that ends.
pub(crate) struct Going {
    child: Child,
}

impl Sandbox {
    /// Starts a run and returns when its program has said a line: `ready`, as a rule.
    pub(crate) fn start(&self, args: &[&str]) -> Going {
        let mut child = self.piped(args);
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(
            !line.is_empty(),
            "the program of {args:?} said nothing: {:?}",
            child.wait_with_output()
        );
        Going { child }
    }

    /// Starts a run and returns when it has said on stderr that it waits.
    pub(crate) fn start_waiting(&self, args: &[&str]) -> Going {
        let mut child = self.piped(args);
        let mut line = String::new();
        BufReader::with_capacity(1, child.stderr.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("waiting"), "{line:?}");
        Going { child }
    }

    fn piped(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The record that `--result r.json` wrote.
    pub(crate) fn record(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.path().join("r.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Going {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// What came back once every holder of its streams is gone.
    pub(crate) fn end(mut self) -> Seen {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        Seen {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    /// The last line of stderr.
    pub(crate) fn last(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }
}

/// The guardian of a run, held by a descriptor so that no other process is ever meant.
pub(crate) struct Guardian(std::os::fd::OwnedFd);

impl Sandbox {
    /// The child of the owner that goes by the guardian's name.
    pub(crate) fn guardian_of(&self, app: &str) -> Guardian {
        let seen = self.run(&["locks", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&seen.stdout).unwrap();
        let locks = report["locks"].as_array().unwrap();
        let lock = locks.iter().find(|lock| lock["name"] == app).unwrap();
        let owner = lock["pid"].as_i64().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{owner}/task/{owner}/children"));
        let is_guardian = |pid: &&str| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            name.is_ok_and(|name| name.trim() == "runward-guard")
        };
        let children = children.unwrap();
        let pid = children.split_whitespace().find(is_guardian).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        Guardian(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap())
    }
}

impl Guardian {
    pub(crate) fn stop(&self) {
        rustix::process::pidfd_send_signal(&self.0, rustix::process::Signal::STOP).unwrap();
    }

    pub(crate) fn kill(&self) {
        rustix::process::pidfd_send_signal(&self.0, rustix::process::Signal::KILL).unwrap();
    }
}
