//! What each containment is expected to hold: the one table that the tests and `runward doctor` must agree on.

use std::path::Path;
use std::process::{Command, Stdio};

use runward_tests::Leaf;
use runward_tests::skip::is_root;

/// One containment and what gets out of it.
pub(crate) struct Containment {
    pub(crate) name: &'static str,
    /// The leaves that outlive a run, however it ends.
    pub(crate) escapes: &'static [Leaf],
    /// Whether it holds a setsid fork bomb.
    pub(crate) holds_bombs: bool,
    /// Whether the next run of the app ends the tree of a run whose owner and guardian were both killed.
    pub(crate) found_again: bool,
}

/// All containments, from strong to weak.
pub(crate) const CONTAINMENTS: [Containment; 4] = [CGROUP, PIDNS, SUBREAPER, GROUP];

pub(crate) const CGROUP: Containment = Containment {
    name: "cgroup",
    escapes: &[],
    holds_bombs: true,
    found_again: true,
};
pub(crate) const PIDNS: Containment = Containment {
    name: "pidns",
    escapes: &[],
    holds_bombs: true,
    found_again: true,
};
/// As strong as the others while its guardian lives, for what does not fork faster than it can be stopped.
pub(crate) const SUBREAPER: Containment = Containment {
    name: "subreaper",
    escapes: &[],
    holds_bombs: true,
    found_again: false,
};
/// Whoever leaves the process group has left the run.
pub(crate) const GROUP: Containment = Containment {
    name: "group",
    escapes: &[Leaf::Group, Leaf::Session, Leaf::StubbornSession],
    holds_bombs: false,
    found_again: false,
};

impl Containment {
    /// Why this host cannot have it, if so.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match self.name {
            "cgroup" if !cgroup_writable() => Some("needs a cgroup v2 that this user may write to"),
            "pidns" if !namespaces_allowed() => Some("needs to be allowed to make a PID namespace"),
            _ => None,
        }
    }
}

fn cgroup_writable() -> bool {
    let mounts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    is_root()
        && mounts
            .iter()
            .any(|mount| Path::new(mount).join("cgroup.procs").exists())
}

fn namespaces_allowed() -> bool {
    let words = ["--user", "--map-root-user", "--pid", "--fork", "true"];
    let probe = || {
        Command::new("unshare")
            .args(words)
            .stderr(Stdio::null())
            .status()
    };
    is_root() || probe().is_ok_and(|status| status.success())
}
