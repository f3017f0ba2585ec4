//! Reaps what dead runs left. The lock decides who is dead, the plan is what runs, and every object has its reason.
//!
//! A run that is killed leaves things behind: a stack, a directory, a cgroup. Whoever cleans up by age deletes the work of a live run
//! sooner or later; whoever cleans up by label deletes what was never his; and whoever is killed half-way leaves a worse mess. This crate
//! asks the lock that each run holds ([`runward_lock`]) and nothing else. What is swept is up to you: a [`Sweep`] finds everything of
//! its kind and removes one thing in steps, the [`Janitor`] does the rest.
//!
//! # Guarantees
//!
//! # Limits

#![forbid(unsafe_code)]

mod allow;
mod audit;
mod cancel;
mod clock;
mod digest;
mod directories;
mod error;
mod fault;
mod found;
mod headroom;
mod home;
mod janitor;
mod journal;
mod json;
mod judge;
mod permit;
mod plan;
mod policy;
mod protect;
mod reaper;
mod reason;
mod report;
mod sweep;
mod sync;
mod tally;
mod units;
mod work;

pub use allow::Allow;
pub use directories::Directories;
pub use error::{Error, ErrorKind};
pub use fault::{Fault, FaultKind};
pub use found::{Found, Mark};
pub use headroom::Headroom;
pub use janitor::Janitor;
pub use permit::Permit;
pub use plan::{Plan, Row, Warning, WarningKind};
pub use policy::Policy;
pub use protect::Protect;
pub use reason::{Reason, Verdict};
pub use report::{Item, Outcome, Report};
pub use sweep::{Progress, Step, Sweep};
