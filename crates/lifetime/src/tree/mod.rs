//! How a tree is held: four rungs, from strong to weak, behind one set of verbs.

mod cgroup;
mod descendants;
mod group;
mod namespace;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sys::signal::SigSet;
use serde::{Deserialize, Serialize};

use crate::{
    Containment, Error, freezer,
    mark::Mark,
    program::Image,
    spawn::{self, Child, Group, Refused, Setup},
    wait,
};

pub(crate) use cgroup::probe as probe_cgroup;
pub(crate) use namespace::probe as probe_namespace;
pub(crate) use namespace::read_report;

/// What another process needs to find the tree again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Address {
    /// With what was mounted where it lies: the same path is another cgroup in another view.
    Cgroup(std::path::PathBuf, u64),
    /// Its first process, by pid and start time.
    Process(crate::process::Identity),
    /// It cannot be found again.
    Nowhere,
}

/// A tree of processes, all children of this process or of each other.
#[derive(Debug)]
pub(crate) enum Tree {
    Cgroup(cgroup::Held),
    Namespace(namespace::Held),
    Descendants(descendants::Held),
    Group(group::Held),
}

/// A process that was started to do the work: whom to ask to end, and where its status comes from.
#[derive(Debug)]
pub(crate) struct Main {
    pub(crate) child: Child,
    /// Written by the first process of a namespace, as only that can reap the program.
    pub(crate) status: Option<OwnedFd>,
}

/// What to wait for.
#[derive(Debug)]
pub(crate) enum Watch<'a> {
    /// It tells of every change.
    Lasting(BorrowedFd<'a>),
    /// It tells of one.
    Once(OwnedFd),
}

impl Watch<'_> {
    pub(crate) fn on(&self) -> wait::On<'_> {
        match self {
            Watch::Lasting(fd) => wait::changed(*fd),
            Watch::Once(fd) => wait::readable(fd),
        }
    }
}

/// Where the program belongs among the processes of the terminal.
pub(crate) struct Place<'a> {
    pub(crate) owner_group: i32,
    pub(crate) mask: &'a SigSet,
    /// The line that the program's process appends to the journal just before its exec.
    pub(crate) mark: Mark<'a>,
}

/// Whether the cgroup at this path could be seen from here.
pub(crate) fn sees_cgroup(path: &Path, view: u64) -> bool {
    cgroup::is_in_view(path, view)
}

impl Tree {
    /// Makes room for a tree; nothing runs in it yet.
    pub(crate) fn prepare(containment: Containment, name: &str) -> Result<Self, Error> {
        Ok(match containment {
            Containment::Cgroup => Tree::Cgroup(cgroup::Held::create(name)?),
            Containment::PidNamespace => Tree::Namespace(namespace::Held::default()),
            Containment::Subreaper => Tree::Descendants(descendants::Held::default()),
            Containment::Group => Tree::Group(group::Held::default()),
        })
    }

    /// Finds a tree again that another process has held.
    pub(crate) fn reopen(address: &Address) -> Option<Self> {
        match address {
            Address::Cgroup(path, view) => cgroup::Held::open(path, *view).map(Tree::Cgroup),
            Address::Process(first) => namespace::Held::adopt(first).map(Tree::Namespace),
            Address::Nowhere => None,
        }
    }

    /// Takes over a tree whose holder has died and whose orphans have become our children.
    pub(crate) fn inherit(
        containment: Containment,
        address: &Address,
        main: Option<i32>,
        strangers: &[i32],
    ) -> Option<Self> {
        match containment {
            Containment::Cgroup => Self::reopen(address),
            // Gone with its first process, and teardowns run outside of it.
            Containment::PidNamespace => {
                Self::reopen(address).or_else(|| Some(Tree::Namespace(namespace::Held::default())))
            }
            Containment::Subreaper => Some(Tree::Descendants(descendants::Held::beside(strangers))),
            Containment::Group => {
                let held = group::Held::default();
                main.into_iter().for_each(|id| held.lead(id));
                Some(Tree::Group(held))
            }
        }
    }

    pub(crate) fn containment(&self) -> Containment {
        match self {
            Tree::Cgroup(_) => Containment::Cgroup,
            Tree::Namespace(_) => Containment::PidNamespace,
            Tree::Descendants(_) => Containment::Subreaper,
            Tree::Group(_) => Containment::Group,
        }
    }

    pub(crate) fn address(&self) -> Address {
        match self {
            Tree::Cgroup(held) => Address::Cgroup(held.path().to_owned(), held.view()),
            Tree::Namespace(held) => held.first().map_or(Address::Nowhere, Address::Process),
            Tree::Descendants(_) | Tree::Group(_) => Address::Nowhere,
        }
    }

    /// Starts the program in it.
    pub(crate) fn start(&mut self, image: &Image, place: &Place<'_>) -> Result<Main, Refused> {
        let join = Group::Join(place.owner_group);
        match self {
            Tree::Cgroup(held) => plain(image, &setup(place, join, Some(held.as_fd()))),
            Tree::Descendants(_) => plain(image, &setup(place, join, None)),
            Tree::Group(held) => {
                let lead = Group::Lead {
                    instead_of: place.owner_group,
                };
                let main = plain(image, &setup(place, lead, None))?;
                held.lead(main.child.pid);
                Ok(main)
            }
            Tree::Namespace(held) => held.start(image, place),
        }
    }

    /// Room for a teardown. A cgroup that was killed is not used again: Linux 6.18 kills who is
    /// born in it. `strangers` are children of this process that are not the run's.
    pub(crate) fn room(&self, index: usize, strangers: &[i32]) -> Option<Self> {
        match self {
            Tree::Cgroup(held) => held.sibling(index).map(Tree::Cgroup),
            Tree::Namespace(_) => Some(Tree::Descendants(descendants::Held::beside(strangers))),
            Tree::Descendants(held) => Some(Tree::Descendants(held.clone())),
            Tree::Group(_) => Some(Tree::Group(group::Held::default())),
        }
    }

    /// The process that was started in that room.
    pub(crate) fn entered(&self, pid: i32) {
        if let Tree::Group(held) = self {
            held.lead(pid);
        }
    }

    /// The cgroup to start a process in.
    pub(crate) fn cgroup(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Tree::Cgroup(held) => Some(held.as_fd()),
            _ => None,
        }
    }

    /// SIGTERM and SIGCONT to every process: one that is stopped could not heed the first.
    pub(crate) fn ask(&self) {
        match self {
            Tree::Cgroup(held) => held.ask(),
            Tree::Namespace(held) => held.ask_all(),
            Tree::Descendants(held) => held.ask(),
            Tree::Group(held) => held.ask(),
        }
    }

    /// How the program ended is told to a new holder, should it have been told to the old one.
    pub(crate) fn tell_again(&self) {
        if let Tree::Namespace(held) = self {
            held.tell_again();
        }
    }

    /// Kills every process; those that fork meanwhile too, where the rung can.
    pub(crate) fn kill(&self) {
        match self {
            Tree::Cgroup(held) => held.kill(),
            Tree::Namespace(held) => held.kill(),
            Tree::Descendants(held) => held.kill(),
            Tree::Group(held) => held.kill(),
        }
    }

    /// Thaws whom a freezer keeps from heeding a signal, or from dying.
    pub(crate) fn thaw(&self) {
        let mut pids = self.members();
        if let Tree::Namespace(held) = self {
            pids.extend(held.first().map(|first| first.pid));
        }
        freezer::thaw(&pids);
    }

    /// Whether it is proven that nobody is left. Children have been reaped before.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Tree::Cgroup(held) => held.is_empty(),
            Tree::Namespace(held) => held.is_empty(),
            Tree::Descendants(held) => held.is_empty(),
            Tree::Group(held) => held.is_empty(),
        }
    }

    /// A descriptor that tells (`PRI` or `IN`) when [`is_empty`](Self::is_empty) is worth asking
    /// again, beyond the death of a child, which always is.
    pub(crate) fn watch(&self) -> Option<Watch<'_>> {
        match self {
            Tree::Cgroup(held) => held.events().map(Watch::Lasting),
            Tree::Group(held) => held.watch().map(Watch::Once),
            Tree::Namespace(_) | Tree::Descendants(_) => None,
        }
    }

    /// Who is in it.
    pub(crate) fn members(&self) -> Vec<i32> {
        match self {
            Tree::Cgroup(held) => held.members(),
            Tree::Namespace(held) => held.members(),
            Tree::Descendants(held) => held.members(),
            Tree::Group(held) => held.members(),
        }
    }

    /// Removes what [`prepare`](Self::prepare) made, if nobody is left in it.
    pub(crate) fn remove(&self) {
        if let Tree::Cgroup(held) = self {
            held.remove();
        }
    }
}

fn setup<'a>(place: &Place<'a>, group: Group, cgroup: Option<BorrowedFd<'a>>) -> Setup<'a> {
    Setup {
        cgroup,
        group,
        mask: place.mask,
        stdio: None,
        directory: None,
        mark: Some(place.mark),
    }
}

fn plain(image: &Image, setup: &Setup<'_>) -> Result<Main, Refused> {
    Ok(Main {
        child: spawn::spawn(image, setup)?,
        status: None,
    })
}
