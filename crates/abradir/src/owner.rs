use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::text::{self, Links};

/// The process that built a state directory, for whoever finds it later. Whether it lives is for a lock to say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Owner {
    run_id: String,
    pid: u32,
    started: u64,
    boot_id: String,
}

impl Owner {
    /// The id of the run, as it was given.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The process id, in the pid namespace of that process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When that process was started, in clock ticks since the boot: field 22 of proc_pid_stat(5). Zero where there was no `/proc`.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// The boot in which that was; empty where there was no `/proc`.
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// This process.
    pub(crate) fn this(run_id: &str) -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            run_id: run_id.to_owned(),
            pid: std::process::id(),
            started: started().unwrap_or_default(),
            boot_id: boot_id.trim().to_owned(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        format!(
            "run-id = {}\npid = {}\nstarted = {}\nboot-id = {}\n",
            quoted(&self.run_id),
            self.pid,
            self.started,
            quoted(&self.boot_id)
        )
    }

    pub(crate) fn read(path: &Path) -> Option<Self> {
        // The run could have put anything there.
        toml::from_str(&text::read(path, Links::Refuse).ok()?).ok()
    }
}

/// A string of TOML, of a text without control characters.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The name of the program is in brackets and may have anything in it, brackets too.
fn started() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Owner;

    #[test]
    fn what_is_written_is_read() {
        for id in ["build-7", "a \"b\" \\ 'c' #=é"] {
            let owner = Owner::this(id);
            assert!(owner.started() > 0 && !owner.boot_id().is_empty());
            assert_eq!(
                toml::from_str::<Owner>(&owner.to_text()).as_ref(),
                Ok(&owner)
            );
        }
    }
}
