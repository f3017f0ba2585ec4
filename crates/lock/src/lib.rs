//! Locks by name for the processes of one machine: one holder, freed by the kernel however the holder dies.
//!
//! A plain `flock` excludes, and stops there. It does not say who holds the lock, and the pid in the file names a dead process while
//! a child keeps the lock. It cannot wait with a deadline without polling. And as soon as somebody deletes a lock file, two
//! processes hold the same name. This crate is a directory of lock files that does all of that, for the price of three opens of a file.
//!
//! ```
//! use runward_lock::{LockDir, Name, Request, quiet};
//! # let scratch = tempfile::tempdir()?;
//! # let path = scratch.path().join("locks");
//! let locks = LockDir::open(&path)?;
//! let name = Name::new("shop.example.org")?;
//! let request = Request::new().run_id("build-17").what("deploying");
//! let guard = locks.acquire(&name, &request, &mut quiet)?;
//! if guard.predecessor().is_some_and(|last| !last.released()) {
//!     // The run before was killed: clean up after it, before anything else.
//! }
//! assert!(guard.still_current()?);
//! guard.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! * **One holder.** Between the return of [`LockDir::acquire`] and the end of its [`Guard`] nobody else has an exclusive guard of
//!   that name in that directory, also while others remove and create the lock file through this crate.
//! * **Freed however the holder dies.** There is no time-out and nothing to clean: the kernel frees the lock with the last copy of its
//!   descriptor. What is left in the file tells the next holder whether the one before released it or was killed.
//! * **The true holder.** [`Holder`] is what the kernel shows, joined with what the holder wrote: a child that keeps the lock of a dead
//!   owner is named, a process that merely opened the file is not.
//! * **Waiting costs nothing and ends at once.** The kernel wakes the waiter; deadline, cancel and progress messages come from the same
//!   poll. A signal never makes a wait look like a lock. The host's `SIGCHLD` and `wait` see nothing of it.
//! * **Looking disturbs nobody.** [`LockDir::peek`] and [`LockDir::list`] take no lock, so no try of another fails because of them.
//! * **A fence that grows** with each exclusive holder of a name, across removals, by hand too, and reboots.
//! * **No deadlock with itself.** A second take in one process is an error that names both places in the source; several locks are
//!   taken in the order of their names. A process below the holder is told that it waits for its own ancestor
//!   ([`Holder::is_ancestor`]), or refuses to wait for it ([`Request::refuse_ancestor`]).
//! * **Children get the lock only when told.** [`Guard::hand_down`] is the one way; the copy of a guard in a fork releases nothing.
//! * **Nothing is locked where locks are not dependable.** The filesystem, the owner and the mode of the directory are checked first.
//!
//! # Limits
//!
//! * One machine. On NFS, CIFS, FUSE and 9p the directory is refused, unless [`Filesystems::Any`] takes the risk.
//! * Whoever deletes or renames a lock file by hand makes a second holder possible. [`Guard::still_current`] tells the first: ask it
//!   before each step that cannot be undone.
//! * The fence goes back only if the directory is wiped *and* either the clock has gone back or more than one fresh lock file a second
//!   was made since its first use.
//! * The order among waiters is that of the kernel, and a newcomer may overtake, except among those who ask for [`Order::Arrival`].
//!   That order starts anew for nobody: it lives in a companion file, which stays.
//! * Processes of another pid namespace or user may be hidden: the lock is then held by "a process that cannot be seen from here". Somebody
//!   who uses flock(1) there is not seen by a look at all, though an acquire still waits for him. On overlay filesystems holders may be hidden too.
//! * The kernel's list of locks is not read at one instant where it has more than a page. It is then read eight times, so a look is
//!   slower on a host with many locks, and misses a holder that it has to find there with a chance of one in a hundred thousand or less.
//! * Shared holders write no record: they are found by the kernel's list alone, and not as an ancestor.
//! * An ancestor that takes the lock after the wait for somebody else has begun is noticed at the next tick, and not without ticks.
//!   One that merely keeps the lock of a dead owner, or that the system no longer shows as an ancestor because somebody between has died, is not.
//! * A process that the host starts shares every open lock from its fork to its exec, and so does a waiter for its first microseconds: a lock
//!   released in that time is free a moment later.
//! * The kernel frees a killed holder's lock after its memory; a holder of gigabytes is slow to die. Keep the holder small.
//! * Waiting needs a process that blocks in the kernel for us; it shares our memory (on x86-64 and AArch64; elsewhere it is a
//!   copy-on-write clone). Where that is refused (a limit on processes), it tries every 50 ms instead.
//! * A look believes a live owner's record. Where it has to search, for the keepers of a dead owner's lock, it reads the
//!   descriptors of every process, and a lock that is released in that very moment is free microseconds later. So do a wait and
//!   [`LockDir::inspect`], which names holders without a record too.
//! * Of the directories above the lock directory only the next one is checked; those above that are taken as they are.
//! * Kernel 5.9 for waiting without polling (`close_range`), `/proc` for holders; without it they are hidden.
//!
//! # What it does not do
//!
//! It ends no process, deletes nothing but a lock file, prints nothing and starts no thread. Ending a process tree is the work of
//! `runward-lifetime`. Locks across machines are for a backend that implements [`Locks`].
//!
//! # State of the process
//!
//! One private table lists the locks that this process has, by directory and name, so that two handles on one directory know of each
//! other; nothing shows it but [`ErrorKind::AlreadyHeld`]. Beside it there is the process id, on a page that the kernel empties in a fork.
//! That is all the global state.

mod acquire;
mod backend;
mod bare;
#[cfg(feature = "conformance")]
pub mod conformance;
mod counter;
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
mod inode;
mod kernel;
mod many;
mod name;
mod order;
mod pid;
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
