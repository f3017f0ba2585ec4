//! A cgroup v2 subtree that you can kill, and prove empty.
//!
//! A process group loses every child that calls `setsid`, and a loop that kills what it lists
//! never catches a tree that forks faster than it reads. A cgroup loses nothing: a child is born
//! in its parent's cgroup whatever it calls, and one write to `cgroup.kill` ends all of them,
//! those that are just being forked included.
//!
//! ```no_run
//! use std::{process::Command, time::Duration};
//! use runward_cgroup::{Cgroup, Hierarchy};
//!
//! # fn main() -> Result<(), runward_cgroup::Error> {
//! let hierarchy = Hierarchy::find()?;
//! let cgroup = Cgroup::create(hierarchy.own(), "job-7")?;
//! let _child = cgroup.spawn(Command::new("make").arg("test"))?;
//! cgroup.kill()?;
//! assert!(cgroup.wait_empty(Duration::from_secs(10))?, "left: {:?}", cgroup.processes());
//! cgroup.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - A program started with [`Cgroup::spawn`] executes no instruction of its own outside the cgroup.
//! - After [`Cgroup::kill`], when [`Cgroup::wait_empty`] answers `true`, no process of the subtree
//!   is left alive: the kernel's own `populated 0` says so, not a list that was read.
//! - [`Cgroup::signal`] never reaches a process that took over a pid: each one is held by a pidfd
//!   and its membership is checked through that.
//! - Also on hybrid hosts, where version 2 is mounted beside version 1.
//!
//! # Limits
//!
//! - A process that has the permission to write to another cgroup's `cgroup.procs` can leave.
//! - A process in uninterruptible sleep dies when it leaves the kernel, not before; `wait_empty`
//!   then answers `false`, and [`Cgroup::processes`] names it.
//! - *Empty* is not *reaped*: a zombie is no member any more. Reaping is its parent's affair.
//! - Kernels before 5.14 have no `cgroup.kill`; there the subtree is frozen, for at most a second
//!   until all stand still, each process killed, and thawed; who sleeps in the kernel for longer and
//!   then forks may escape. Kernels before 5.2 have no freezer in version 2 and are refused.
//! - No controllers and no knobs: this crate contains, it does not limit.
//!
//! See `cgroups(7)` and the kernel's *Control Group v2*. Ending a tree together with its owner,
//! deadlines and teardown are the business of `runward-lifetime`.

#[cfg(test)]
extern crate self as runward_cgroup;

mod cgroup;
mod error;
mod hierarchy;
mod member;
mod spawn;

pub use cgroup::Cgroup;
pub use error::{Error, ErrorKind};
pub use hierarchy::{Hierarchy, Support};
