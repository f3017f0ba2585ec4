//! A cgroup: nobody can leave it by forking, and one write kills all.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use crate::{Error, ErrorKind};
use runward_cgroup::{Cgroup, ErrorKind as CgroupErrorKind, Hierarchy};

#[derive(Debug)]
pub(crate) struct Held {
    cgroup: Cgroup,
    events: Option<OwnedFd>,
    /// What is mounted where it lies.
    view: u64,
}

/// Two runs may carry one id.
const NAMES: u32 = 1000;

/// Whether a cgroup can be made here, and why not.
pub(crate) fn probe() -> Result<(), String> {
    let hierarchy = Hierarchy::find().map_err(|e| e.to_string())?;
    hierarchy
        .support()
        .refused()
        .map_or(Ok(()), |e| Err(e.to_string()))
}

/// Whether the mount that the path lies below is there, and shows the part of the hierarchy that it showed then.
pub(crate) fn is_in_view(path: &Path, view: u64) -> bool {
    Hierarchy::find().is_ok_and(|hierarchy| {
        path.starts_with(hierarchy.mount()) && view_of(&hierarchy) == Some(view)
    })
}

/// The cgroup that is mounted: in a namespace of cgroups, or below a bind mount, it is not the root of all.
fn view_of(hierarchy: &Hierarchy) -> Option<u64> {
    let root = rustix::fs::stat(hierarchy.mount());
    root.ok().map(|root| root.st_ino)
}

impl Held {
    pub(crate) fn create(name: &str) -> Result<Self, Error> {
        let refused = |e: runward_cgroup::Error| Error::new(ErrorKind::Containment, e.to_string());
        let hierarchy = Hierarchy::find().map_err(refused)?;
        let mut number = 0;
        loop {
            let suffix = if number == 0 {
                String::new()
            } else {
                format!(".{number}")
            };
            match Cgroup::create(hierarchy.own(), &format!("runward-{name}{suffix}")) {
                Err(e) if e.kind() == CgroupErrorKind::Busy && number < NAMES => number += 1,
                made => {
                    let view = view_of(&hierarchy).unwrap_or_default();
                    return Ok(Self::of(made.map_err(refused)?, view));
                }
            }
        }
    }

    pub(crate) fn open(path: &Path, view: u64) -> Option<Self> {
        let cgroup = Cgroup::open(path).ok()?;
        Some(Self::of(cgroup, view))
    }

    /// Its end is always explicit: the owner's copy must not kill what the guardian holds.
    fn of(mut cgroup: Cgroup, view: u64) -> Self {
        cgroup.disown();
        let events = cgroup.events().ok();
        Self {
            cgroup,
            events,
            view,
        }
    }

    /// The room of a teardown beside it; the same one for whoever asks.
    pub(crate) fn sibling(&self, index: usize) -> Option<Self> {
        let name = format!("{}.teardown-{index}", self.path().file_name()?.to_str()?);
        let path = self.path().with_file_name(&name);
        Cgroup::create(path.parent()?, &name)
            .or_else(|_| Cgroup::open(&path))
            .ok()
            .map(|room| Self::of(room, self.view))
    }

    pub(crate) fn path(&self) -> &Path {
        self.cgroup.path()
    }

    /// For [`is_in_view`].
    pub(crate) fn view(&self) -> u64 {
        self.view
    }

    pub(crate) fn ask(&self) {
        let _ = self.cgroup.ask_to_end();
    }

    pub(crate) fn kill(&self) {
        let _ = self.cgroup.kill();
    }

    pub(crate) fn is_empty(&self) -> bool {
        let populated = match &self.events {
            Some(events) => self.cgroup.populated_by(events),
            None => self.cgroup.populated(),
        };
        populated.is_ok_and(|populated| !populated)
    }

    pub(crate) fn events(&self) -> Option<BorrowedFd<'_>> {
        self.events.as_ref().map(AsFd::as_fd)
    }

    pub(crate) fn members(&self) -> Vec<i32> {
        let pids = self.cgroup.processes().unwrap_or_default();
        pids.into_iter().flat_map(i32::try_from).collect()
    }

    pub(crate) fn remove(&self) {
        let _ = self.cgroup.remove();
    }
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.cgroup.as_fd()
    }
}
