//! A cgroup of our own around a contender: whoever is still in it is still there, whatever the contender says.

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Result;

/// A cgroup that is emptied and removed when it is dropped.
pub(crate) struct Group {
    home: PathBuf,
    path: PathBuf,
}

impl Group {
    /// A new group beside us; the name has to be a different one for each that lives at the same time.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let home = own()?;
        let path = home.join(format!("bench-{}-{name}", std::process::id()));
        fs::create_dir(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self { home, path })
    }

    /// Runs a closure inside, so that what it starts is born there.
    pub(crate) fn inside<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        enter(&self.path)?;
        let started = start();
        enter(&self.home)?;
        Ok(started)
    }

    pub(crate) fn kill(&self) -> Result {
        Ok(fs::write(self.path.join("cgroup.kill"), "1")?)
    }

    /// Everybody inside, at any depth.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let lists = tree(&self.path).into_iter();
        let lists = lists.filter_map(|group| fs::read_to_string(group.join("cgroup.procs")).ok());
        lists.flat_map(|list| numbers(&list)).collect()
    }

    /// Waits until nobody is inside; whether that came about in time.
    pub(crate) fn wait_empty(&self, patience: Duration) -> Result<bool> {
        let until = Instant::now() + patience;
        loop {
            let events = fs::File::open(self.path.join("cgroup.events"))?;
            if std::io::read_to_string(&events)?.contains("populated 0") {
                return Ok(true);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let mut change = [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)];
            poll(&mut change, Some(&Timespec::try_from(left)?))?;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = self.wait_empty(Duration::from_secs(30));
        for group in tree(&self.path).iter().rev() {
            let _ = fs::remove_dir(group);
        }
    }
}

/// The cgroup v2 that we are in.
pub(crate) fn own() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let mount = mount.and_then(|line| line.split(' ').nth(4));
    let mount = mount.ok_or("no cgroup v2 is mounted here")?;
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(Path::new(mount).join(own.ok_or("we are in no cgroup v2")?))
}

fn enter(group: &Path) -> Result {
    let procs = group.join("cgroup.procs");
    Ok(fs::write(&procs, "0").map_err(|e| format!("{}: {e}", procs.display()))?)
}

/// A cgroup and all below it, parents first.
fn tree(top: &Path) -> Vec<PathBuf> {
    let mut found = vec![top.to_owned()];
    let mut next = 0;
    while let Some(group) = found.get(next) {
        let below = group.read_dir().into_iter().flatten().flatten();
        let below: Vec<_> = below
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        found.extend(below);
        next += 1;
    }
    found
}

fn numbers(list: &str) -> Vec<u32> {
    list.lines().filter_map(|line| line.parse().ok()).collect()
}
