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

mod cancel;
mod fault;
mod found;
mod headroom;
mod permit;
mod protect;
mod sweep;

pub use fault::{Fault, FaultKind};
pub use found::{Found, Mark};
pub use headroom::Headroom;
pub use permit::Permit;
pub use protect::Protect;
pub use sweep::{Progress, Step, Sweep};
