//! Which process, beyond doubt: a pid with its start time, the boot and the pid namespace.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::pid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// Clock ticks from boot to the start of the process; 0 if `/proc` does not say.
    pub(crate) start: u64,
    pub(crate) boot: String,
    pub(crate) pidns: u64,
}

impl Identity {
    pub(crate) fn own() -> Self {
        let pid = pid::own();
        Self {
            pid,
            start: start_of(pid).unwrap_or(0),
            boot: boot_id(),
            pidns: pid_namespace(),
        }
    }

    /// The live process with this pid; none if it has ended, reaped or not.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            start: start_of(pid)?,
            boot: boot_id(),
            pidns: pid_namespace(),
        })
    }
}

/// Field 22 of `/proc/PID/stat`, see proc_pid_stat(5). The command in field 2 may itself have parentheses and spaces.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&String::from_utf8_lossy(&stat))
}

fn parse_stat(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(start)
}

fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim_end().to_owned()
}

fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |m| m.ino())
}

#[cfg(test)]
mod tests {
    use super::{Identity, parse_stat};

    #[test]
    fn start_time_behind_a_hostile_command() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse_stat(&format!("7 (a) Z 1 (b) S {rest}")), Some(4242));
        assert_eq!(
            parse_stat(&format!("7 (a) Z {rest}")),
            None,
            "a zombie holds nothing"
        );
    }

    #[test]
    fn own_is_alive_and_pid_0_is_not() {
        let own = Identity::own();
        assert_eq!(Identity::of(own.pid), Some(own));
        assert_eq!(Identity::of(0), None);
    }
}
