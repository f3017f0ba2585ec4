//! Whether all processes can be seen: a table of which part is hidden looks like one with fewer processes.

use std::fs;
use std::path::Path;

use runward_canary::{Cause, CauseKind};
use rustix::fs::{PROC_SUPER_MAGIC, statfs};

use crate::look::fault;

/// Makes sure that nothing is hidden from us.
///
/// # Errors
///
/// When it is no process table, when its first process is hidden, or when it is mounted to hide others' processes from us.
pub(super) fn check(root: &Path) -> Result<(), Cause> {
    let shown = root.display();
    let found = statfs(root).map_err(|error| fault(shown.to_string(), &error.into()))?;
    if found.f_type != PROC_SUPER_MAGIC {
        return Err(Cause::new(
            CauseKind::Garbled,
            format!("{shown} is no process table; mount proc there"),
        ));
    }
    let hidden = |why: &str| {
        let remedy = "run as root, or as a member of the group of its gid= option";
        Cause::new(CauseKind::Denied, format!("{shown} {why}; {remedy}"))
    };
    fs::read(root.join("1/stat")).map_err(|_| hidden("does not show process 1"))?;
    match rustix::process::geteuid().is_root() || !hides(root) {
        true => Ok(()),
        false => Err(hidden(
            "is mounted with hidepid, so others' processes are missing",
        )),
    }
}

/// The options of the mount, see proc_pid_mountinfo(5).
fn hides(root: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut last = None;
    for line in mounts
        .lines()
        .filter(|line| line.split(' ').nth(4) == root.to_str())
    {
        last = line.rsplit(' ').next();
    }
    let options = last.unwrap_or_default().split(',');
    options
        .into_iter()
        .any(|option| match option.strip_prefix("hidepid=") {
            None | Some("0" | "off") => false,
            Some(_) => true,
        })
}
