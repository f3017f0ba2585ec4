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

/// What `/proc/PID/stat` says of a live process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    start: u64,
}

fn start_of(pid: u32) -> Option<u64> {
    Some(stat_of(pid)?.start)
}

fn stat_of(pid: u32) -> Option<Stat> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&String::from_utf8_lossy(&stat))
}

/// Fields 4 and 22, see proc_pid_stat(5). The command in field 2 may itself have parentheses and spaces.
fn parse_stat(stat: &str) -> Option<Stat> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let start = fields.nth(17)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Stat { parent, start })
}

/// The pids of the parent of this process, of that one's parent, and so on, as far as they can be seen.
///
/// A parent that dies while we climb leaves its pid to somebody who is none. Nobody is younger than his child:
/// 1. a pid that was given anew belongs to a process that started after we read the child's stat, so after the child;
/// 2. the start times never grow on the way up, so the climb ends there, and it ends at all.
pub(crate) fn ancestors() -> impl Iterator<Item = u32> {
    let own = stat_of(pid::own());
    let parents = std::iter::successors(own.map(|own| (0, own)), |(_, child)| {
        let parent = stat_of(child.parent)?;
        (parent.start <= child.start).then_some((child.parent, parent))
    });
    parents.skip(1).take(DEEPEST).map(|(pid, _)| pid)
}

/// Nobody is as deep; an end should `/proc` tell nonsense.
const DEEPEST: usize = 4096;

pub(crate) fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim_end().to_owned()
}

fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |m| m.ino())
}

#[cfg(test)]
mod tests {
    use super::{Identity, Stat, ancestors, parse_stat};

    #[test]
    fn start_time_behind_a_hostile_command() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        let seen = Stat {
            parent: 1,
            start: 4242,
        };
        assert_eq!(parse_stat(&format!("7 (a) Z 1 (b) S {rest}")), Some(seen));
        assert_eq!(
            parse_stat(&format!("7 (a) Z {rest}")),
            None,
            "a zombie holds nothing"
        );
    }

    #[test]
    fn ancestors_begin_with_the_parent_and_have_nobody_twice() {
        let mut all: Vec<_> = ancestors().collect();
        assert_eq!(all.first(), Some(&std::os::unix::process::parent_id()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(!all.contains(&std::process::id()));
    }

    #[test]
    fn own_is_alive_and_pid_0_is_not() {
        let own = Identity::own();
        assert_eq!(Identity::of(own.pid), Some(own));
        assert_eq!(Identity::of(0), None);
    }
}
