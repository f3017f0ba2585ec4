//! A fork bomb that is sure to be gone at the end.

use std::ffi::OsString;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::chance::number;
use crate::{Line, Sandbox, binaries};

/// A bomb of a user that nothing else runs as; needs root.
#[derive(Debug)]
#[must_use = "the bomb is defused when this is dropped"]
pub struct Bomb {
    user: u32,
}

impl Bomb {
    /// A bomb with a user of its own.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self {
            user: 64_100
                + std::process::id() % 1000 * 10
                + COUNT.fetch_add(1, Ordering::Relaxed) % 10,
        }
    }

    /// The command that explodes; it says `full` once its limit is reached.
    pub fn command(&self, sandbox: &Sandbox, line: &Line) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![binaries::fixture("bomb").into()];
        let limit: u32 = number("RUNWARD_BOMB", 300);
        words.extend(["--token", sandbox.token()].map(OsString::from));
        words.extend([
            "--limit".into(),
            limit.to_string().into(),
            "--user".into(),
            self.user.to_string().into(),
        ]);
        words.extend(["--line".into(), line.path().into()]);
        words
    }
}

impl Default for Bomb {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        let mut command = Command::new(binaries::fixture("bomb"));
        let _ = command
            .args(["--defuse", "--limit", "0", "--user", &self.user.to_string()])
            .status();
    }
}
