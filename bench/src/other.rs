//! The other process of a lock bench, until it is dropped.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::Result;
use crate::contender::quiet;
use crate::rivals::Program;
use crate::setting::Setting;

pub(crate) struct Other(Child);

impl Other {
    /// Starts it and waits until it holds what it should, or has looked once.
    pub(crate) fn start<S: AsRef<OsStr>>(
        setting: &Setting,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let mut command = quiet(&Program::plain(setting.helper("bench-lock")));
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut other = Self(command.args(args).spawn()?);
        let pipe = other.0.stdout.take().ok_or("no pipe from bench-lock")?;
        let mut line = String::new();
        BufReader::new(pipe).read_line(&mut line)?;
        match line.trim() {
            "ready" => Ok(other),
            _ => Err("bench-lock ended before it was ready".into()),
        }
    }

    /// The most memory that it has had at once, in KiB.
    pub(crate) fn peak_kib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmHWM")?.parse()?)
    }

    /// SIGKILL, without waiting for the end.
    pub(crate) fn kill(&mut self) -> Result {
        Ok(self.0.kill()?)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
