//! What `/proc` says of a process.

use std::{fs, sync::OnceLock};

/// A process that cannot be taken for another: its pid alone may be reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    /// Clock ticks from boot to its start, field 22 of `proc_pid_stat(5)`.
    pub(crate) start: u64,
}

impl Identity {
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Some(Self {
            pid,
            start: Stat::of(pid)?.start,
        })
    }

    /// Alive, or dead and not reaped.
    pub(crate) fn exists(&self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.start == self.start)
    }

    pub(crate) fn is_alive(&self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.start == self.start && !stat.is_dead())
    }
}

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) threads: u32,
    pub(crate) start: u64,
}

impl Stat {
    pub(crate) fn own() -> Option<Self> {
        read_small("/proc/self/stat", Self::parse)?
    }
    pub(crate) fn of(pid: i32) -> Option<Self> {
        read_small(&format!("/proc/{pid}/stat"), Self::parse)?
    }

    /// The name, in parentheses, may hold anything, a parenthesis too: fields count from the last.
    fn parse(text: &[u8]) -> Option<Self> {
        let after = text.iter().rposition(|&b| b == b')')? + 2;
        let fields = std::str::from_utf8(text.get(after..)?).ok()?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            threads: fields.get(17)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }

    /// A zombie, or one that is just being reaped.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Reads a file of `/proc` that fits a page, in one call: such a file has no size, and growing a
/// buffer for it takes six.
fn read_small<T>(path: &str, parse: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let file = fs::File::open(path).ok()?;
    let mut buffer = [0; 4096];
    let length = rustix::io::read(&file, &mut buffer).ok()?;
    Some(parse(&buffer[..length]))
}

/// Whether `/proc` shows this process's own pid namespace; after a bare `unshare --pid` it shows
/// the parent's, and its numbers are other processes.
pub(crate) fn proc_is_ours() -> bool {
    static OURS: OnceLock<bool> = OnceLock::new();
    *OURS.get_or_init(|| {
        let own = fs::read_link("/proc/self").ok();
        own.is_some_and(|link| link.to_str() == Some(&std::process::id().to_string()))
    })
}

/// The id of this boot, so that a pid and start time of another one are not believed.
pub(crate) fn boot_id() -> String {
    let id = read_small("/proc/sys/kernel/random/boot_id", |id| {
        String::from_utf8_lossy(id).trim().to_owned()
    });
    id.unwrap_or_default()
}

/// Every process in view.
pub(crate) fn all() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The children of `pid`, one by one. The kernel's own list may miss one while another dies.
pub(crate) fn surely_children(pid: i32) -> Vec<i32> {
    let is_child = |other: &i32| Stat::of(*other).is_some_and(|stat| stat.parent == pid);
    all().filter(is_child).collect()
}

/// The children of `pid`, from the kernel's own list where it keeps one (CONFIG_PROC_CHILDREN).
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists: Option<Vec<String>> = tasks
        .flatten()
        .map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect();
    match lists {
        Some(lists) => lists
            .iter()
            .flat_map(|l| l.split_ascii_whitespace())
            .flat_map(str::parse)
            .collect(),
        None => all()
            .filter(|&other| Stat::of(other).is_some_and(|stat| stat.parent == pid))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let text = b"7 (a) b (c)) S 3 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1";
        let stat = Stat::parse(text).expect("parses");
        assert_eq!(
            (stat.state, stat.parent, stat.group, stat.start),
            (b'S', 3, 7, 4242)
        );
    }

    #[test]
    fn this_process_is_its_parents_child() {
        let own = Identity::of(std::process::id() as i32).expect("own stat");
        assert!(own.is_alive());
        let other = Identity {
            start: own.start + 1,
            ..own
        };
        assert!(!other.is_alive(), "a reused pid is another process");
    }
}
