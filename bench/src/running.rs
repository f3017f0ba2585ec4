//! A wrapper at rest: started around a program that only waits, with all of the wrapper's own processes known.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::cgroup::Group;
use crate::setting::Setting;

/// The variable by which we know whom a process belongs to.
const MARK: &str = "BENCH_RUNNING";

/// A wrapper that runs, in a cgroup that ends with it.
pub(crate) struct Running {
    child: Child,
    group: Group,
    payload: PathBuf,
    mark: String,
}

impl Running {
    /// Starts a command; the name has to be a different one for each that runs at the same time.
    pub(crate) fn start(setting: &Setting, mut command: Command, name: &str) -> Result<Self> {
        let group = Group::new(name)?;
        let mark = format!("{}-{name}", std::process::id());
        command.env(MARK, &mark);
        let child = group.inside(|| command.spawn())??;
        let payload = fs::canonicalize(setting.helper("bench-idle"))?;
        Ok(Self {
            child,
            group,
            payload,
            mark: format!("{MARK}={mark}"),
        })
    }

    /// Waits until the program inside has said that it runs.
    pub(crate) fn wait_ready(&mut self) -> Result {
        let pipe = self.child.stdout.take().ok_or("stdout is no pipe")?;
        let mut line = String::new();
        BufReader::new(pipe).read_line(&mut line)?;
        if line.trim() == "ready" {
            return Ok(());
        }
        Err(format!(
            "the program inside did not start; it ended with {}",
            self.child.wait()?
        )
        .into())
    }

    /// Whether the wrapper has not ended.
    pub(crate) fn is_alive(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The wrapper's own processes: all inside but the payload, and those that left for another cgroup.
    pub(crate) fn own(&self) -> BTreeSet<u32> {
        let inside = self.group.processes().into_iter();
        let elsewhere = pids().into_iter().filter(|pid| self.left(*pid));
        let all = inside.chain(elsewhere);
        all.filter(|pid| exe(*pid).is_some_and(|exe| exe != self.payload))
            .collect()
    }

    /// Its environment is the one that we gave it, in whatever cgroup it has gone to.
    fn left(&self, pid: u32) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == self.mark.as_bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.group.kill();
        let _ = self.child.wait();
        let _ = self.group.wait_empty(Duration::from_secs(10));
    }
}

/// A command whose first line can be waited for.
pub(crate) fn heard(mut command: Command) -> Command {
    command.stdout(Stdio::piped());
    command
}

/// A while without events, so that what a start leaves behind is over.
pub(crate) fn settle() {
    std::thread::sleep(Duration::from_millis(500));
}

fn exe(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn pids() -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
