//! Python's filelock, in one process that takes orders: a line in, a number out.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::Result;
use crate::contender::quiet;
use crate::setting::Setting;

/// `N` takes and releases the lock so often and says how many ns that took; `wait` says when it has it, in ns of
/// the monotonic clock, and releases it.
const SCRIPT: &str = "
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])
for line in sys.stdin:
    if line.strip() == 'wait':
        with lock:
            got = time.monotonic_ns()
        print(got, flush=True)
        continue
    began = time.monotonic_ns()
    for _ in range(int(line)):
        with lock:
            pass
    print(time.monotonic_ns() - began, flush=True)
";

pub(crate) struct Python {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    pub(crate) fn start(setting: &Setting, lock: &Path) -> Result<Self> {
        let mut command = quiet(&setting.program("filelock")?);
        command.args(["-c", SCRIPT]).arg(lock);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no pipe to Python")?;
        let answers = child.stdout.take().ok_or("no pipe from Python")?;
        let answers = BufReader::new(answers);
        let mut python = Self {
            child,
            orders,
            answers,
        };
        python
            .batch(1)
            .map_err(|e| format!("filelock does not run: {e}"))?;
        Ok(python)
    }

    /// How many ns so many turns took.
    pub(crate) fn batch(&mut self, turns: u32) -> Result<f64> {
        self.order(&turns.to_string())?;
        self.answer()
    }

    pub(crate) fn order(&mut self, order: &str) -> Result {
        Ok(writeln!(self.orders, "{order}")?)
    }

    pub(crate) fn answer(&mut self) -> Result<f64> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
