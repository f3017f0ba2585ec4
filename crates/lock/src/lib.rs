//! Locks by name for the processes of one machine.
//!
//! ```
//! use runward_lock::{LockDir, Name, Request, quiet};
//! # let scratch = tempfile::tempdir()?;
//! # let path = scratch.path().join("locks");
//! let locks = LockDir::open(&path)?;
//! let name = Name::new("shop.example.org")?;
//! let request = Request::new().run_id("build-17").what("deploying");
//! let guard = locks.acquire(&name, &request, &mut quiet)?;
//! assert!(guard.still_current()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acquire;
mod backend;
#[cfg(feature = "conformance")]
pub mod conformance;
mod digest;
mod dir;
mod epoch;
mod error;
mod event;
mod fence;
mod guard;
mod handover;
mod holder;
mod identity;
mod kernel;
mod many;
mod name;
mod order;
mod policy;
mod record;
mod registry;
mod request;
mod search;
mod sync;
mod table;
mod view;
mod wait;
mod waiter;

pub use backend::{Hold, Locks};
pub use dir::LockDir;
pub use error::{Error, ErrorKind, Kept};
pub use event::{Event, quiet};
pub use fence::Fence;
pub use guard::{Guard, Released};
pub use holder::{Holder, HolderKind, Process};
pub use name::Name;
pub use policy::Filesystems;
pub use record::Record;
pub use request::{Mode, Order, Request, Wait};
pub use view::{Entry, State};
