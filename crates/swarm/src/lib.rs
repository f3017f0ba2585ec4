//! Stacks on Docker Swarm.
#![forbid(unsafe_code)]

mod bell;
mod convergence;
mod data;
mod engine;
mod error;
mod headroom;
mod inventory;
mod name;
mod sweep;
mod teardown;
mod world;

pub use convergence::{Convergence, Progress, State, Wait};
pub use engine::Engine;
pub use error::{Error, ErrorKind};
pub use inventory::{Inventory, Kind, Object};
pub use name::{Naming, StackName};
pub use sweep::Stacks;
pub use teardown::{Event, Pass, Report, Step, Teardown};
