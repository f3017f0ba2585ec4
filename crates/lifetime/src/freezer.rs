//! Freezers. Who is frozen heeds no signal, and in a version 1 freezer does not even die of SIGKILL
//! before it is thawed. What freezes the run's processes alone is thawed for them; what freezes
//! others, too, is left as it is and named.

use std::{
    collections::HashSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::process::{Stat, proc_is_ours};

/// Processes that are looked at, of a large tree.
const MOST_LOOKED_AT: usize = 1000;
/// Freezers above each other that are thawed.
const DEEPEST: usize = 32;

/// The two kinds of cgroup hierarchies that can freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A hierarchy as it is mounted here.
#[derive(Clone, Debug)]
struct Hierarchy {
    version: Version,
    /// The part of it that is in view.
    root: PathBuf,
    mount: PathBuf,
}

/// A cgroup that is set to freeze.
#[derive(Clone, Debug)]
pub(crate) struct Freezer {
    version: Version,
    path: PathBuf,
}

/// Thaws whoever of `ours` is frozen without a stranger.
pub(crate) fn thaw(ours: &[i32]) {
    if ours.is_empty() || !proc_is_ours() {
        return;
    }
    let (hierarchies, all) = (hierarchies(), ours.iter().copied().collect());
    for &pid in ours.iter().take(MOST_LOOKED_AT) {
        for _ in 0..DEEPEST {
            match freezer_of(pid, &hierarchies) {
                Some(freezer) if freezer.thaw(&all) => {}
                _ => break,
            }
        }
    }
}

/// What freezes this process.
pub(crate) fn holding(pid: i32) -> Option<Freezer> {
    freezer_of(pid, &hierarchies())
}

/// Where this process is, nobody is frozen: it runs.
fn freezer_of(pid: i32, hierarchies: &[Hierarchy]) -> Option<Freezer> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let its = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    hierarchies.iter().find_map(|hierarchy| {
        let path = hierarchy.version.path_in(&its)?;
        let elsewhere = Some(path) != hierarchy.version.path_in(&own);
        elsewhere.then(|| hierarchy.freezer_above(path)).flatten()
    })
}

impl Version {
    /// See `cgroups(7)`: a line is `ID:CONTROLLERS:PATH`, with no controllers for version 2.
    fn path_in(self, membership: &str) -> Option<&str> {
        membership.lines().find_map(|line| {
            let (_, line) = line.split_once(':')?;
            let (controllers, path) = line.split_once(':')?;
            self.has(controllers).then_some(path)
        })
    }

    fn has(self, controllers: &str) -> bool {
        match self {
            Version::One => controllers.split(',').any(|name| name == "freezer"),
            Version::Two => controllers.is_empty(),
        }
    }

    /// The file that says whether this very cgroup is set to freeze.
    fn setting(self) -> &'static str {
        match self {
            Version::One => "freezer.self_freezing",
            Version::Two => "cgroup.freeze",
        }
    }

    /// What to write, and where, so that it thaws.
    fn thaw(self) -> (&'static str, &'static str) {
        match self {
            Version::One => ("THAWED", "freezer.state"),
            Version::Two => ("0", "cgroup.freeze"),
        }
    }
}

impl Hierarchy {
    /// A line of `/proc/self/mountinfo`, see `proc_pid_mountinfo(5)`.
    fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        let version = match after.next()? {
            "cgroup2" => Version::Two,
            "cgroup" if Version::One.has(after.nth(1)?) => Version::One,
            _ => return None,
        };
        let mut before = before.split(' ').skip(3).map(PathBuf::from);
        Some(Self {
            version,
            root: before.next()?,
            mount: before.next()?,
        })
    }

    /// The nearest cgroup, from this one upwards, that is set to freeze.
    fn freezer_above(&self, path: &str) -> Option<Freezer> {
        let path = Path::new(path);
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let dir = self.mount.join(below.strip_prefix("/").unwrap_or(below));
        let freezers = dir.ancestors().map(|path| Freezer {
            version: self.version,
            path: path.to_owned(),
        });
        freezers
            .take_while(|freezer| freezer.path != self.mount)
            .find(Freezer::is_set)
    }
}

fn hierarchies() -> Vec<Hierarchy> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table.lines().filter_map(Hierarchy::parse).collect()
}

impl Freezer {
    fn is_set(&self) -> bool {
        let text = fs::read_to_string(self.path.join(self.version.setting()));
        text.is_ok_and(|text| text.trim() == "1")
    }

    /// Answers whether it does not freeze any more.
    fn thaw(&self, ours: &HashSet<i32>) -> bool {
        let (value, file) = self.version.thaw();
        holds_only(&self.path, ours) && fs::write(self.path.join(file), value).is_ok()
    }
}

impl fmt::Display for Freezer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, file) = self.version.thaw();
        let path = self.path.display();
        write!(f, "frozen with others; write {value} to {path}/{file}")
    }
}

/// Whether nobody else is in it or below it. What cannot be read may hold anybody.
fn holds_only(cgroup: &Path, ours: &HashSet<i32>) -> bool {
    let Ok(members) = fs::read_to_string(cgroup.join("cgroup.procs")) else {
        return false;
    };
    let pids = members.lines().map(|line| line.parse().unwrap_or(0));
    let stranger = |pid: &i32| !ours.contains(pid) && !is_dead(*pid);
    let below = fs::read_dir(cgroup).into_iter().flatten().flatten();
    pids.filter(stranger).count() == 0
        && below
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .all(|entry| holds_only(&entry.path(), ours))
}

/// A pid of another namespace is shown as 0, and is a stranger.
fn is_dead(pid: i32) -> bool {
    pid > 0 && Stat::of(pid).is_none_or(|stat| stat.is_dead())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_that_can_freeze_are_told_from_others() {
        let line = |kind| format!("37 31 0:34 /docker/1 /mnt/x rw shared:1 - {kind}");
        let parse = |kind| Hierarchy::parse(&line(kind)).map(|found| (found.version, found.root));
        let root = PathBuf::from("/docker/1");
        let (one, two) = ((Version::One, root.clone()), (Version::Two, root));
        assert_eq!(parse("cgroup cgroup rw,freezer"), Some(one));
        assert_eq!(parse("cgroup2 none rw,nsdelegate"), Some(two));
        assert_eq!(parse("cgroup cgroup rw,memory"), None);
        assert_eq!(parse("tmpfs freezer rw,freezer"), None);
    }

    #[test]
    fn each_version_has_its_line() {
        let text = "6:cpu,freezer:/a:b\n5:devices:/c\n0::/d\n";
        assert_eq!(Version::One.path_in(text), Some("/a:b"));
        assert_eq!(Version::Two.path_in(text), Some("/d"));
        assert_eq!(Version::One.path_in("1:freezer2:/x"), None);
    }
}
