//! Reaps what dead runs left. The lock decides who is dead, the plan is what runs, and every object has its reason.
//!
//! A run that is killed leaves things behind: a stack, a directory, a cgroup. Whoever cleans up by age deletes the work of a live run
//! sooner or later; whoever cleans up by label deletes what was never his; and whoever is killed half-way leaves a worse mess. This crate
//! asks the lock that each run holds ([`runward_lock`]) and nothing else. What is swept is up to you: a [`Sweep`] finds everything of
//! its kind and removes one object in steps; the [`Janitor`] does the rest.
//!
//! ```
//! use runward_janitor::{Allow, Directories, Janitor, Policy};
//! use runward_lock::{LockDir, Name};
//! # let scratch = tempfile::tempdir()?;
//! # let path = scratch.path().join("locks");
//! # let (runs, home) = (scratch.path().join("runs"), scratch.path().join("home"));
//! let locks = LockDir::open(&path)?;
//! let policy = Policy::new(Allow::patterns([r"shop-[0-9a-f]{6}\.ci\.example\.org"])?).cap(10);
//! // The directory of a run has the name of its lock.
//! let state = Directories::new("state", &runs, |entry| Name::new(entry).ok());
//! let janitor = Janitor::new(&locks, policy, &home).sweep(state);
//! let plan = janitor.plan()?;
//! print!("{plan}");
//! let report = janitor.execute(&plan)?;
//! assert!(report.is_clean(), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! * **A live run is never reaped.** Only the lock of its name says who lives: not age, not a label, not a pid. What is removed is removed
//!   while the janitor holds that lock, and each step asks first whether it still does ([`Permit`]). Age only warns, once in a period.
//! * **Three things have to agree**: the allow-list matches the name as a whole, the object bears the mark of ownership, and nobody holds the
//!   lock. An empty allow-list sweeps nothing; one that matches everything is refused unless it is given twice. Of names outside it no
//!   lock is tried and no lock file made.
//! * **Looking disturbs nobody.** Locks are listed and peeked at; only what is to be reaped is locked, and only for that.
//! * **A failed discovery reaps nothing**, of any kind; under the lock, nothing more of that name.
//! * **The plan is what runs.** [`Plan`] is a value; executing it takes that very value, and each row may still turn into kept, never the other
//!   way round. Each object has a row, and each row its reason.
//! * **Removal is ordered, and survives the janitor's death.** The dead run is ended first ([`Janitor::quiesce`]), then kinds and steps are taken in order,
//!   again as long as anything moves. A janitor that is killed anywhere leaves what the next one finishes: no step is taken before an earlier one is done.
//! * **Clean is proven.** Two looks in a row find nothing more of the name; only then its lock file is removed, while it is held. Who
//!   waits for the lock reads in its record what is being reaped, and gets in by a fresh file.
//! * **Two janitors share the work.** Whoever gets the lock of a name reaps it; the other leaves it alone.
//! * **It stops in time.** No pass reaps more names than the cap says, as a number or as a share of what was found; a name that
//!   failed is left alone for longer each time; a protect mark or a [veto](Janitor::veto), also one that fails, keeps everything of its name.
//! * **Nothing is done that is not recorded.** Each step is in the audit, with the fence it is taken under, before it is taken. The audit is only added to;
//!   from 4 MiB on it becomes `audit.1.jsonl`, in place of the one before, while nobody writes to it.
//!
//! # Limits
//!
//! * It is as good as the lock. A process that changes things without holding the lock, or after its holder was killed, is not seen: end it in `quiesce`.
//! * A name is one unit. Objects whose owner cannot be computed from themselves cannot be swept, and two apps must not have the same name.
//! * A lock that an orphaned child keeps stays held. It is reported with the child's pid; ending that child is yours to do.
//! * If journal or audit cannot be written, as on a full disk, the sweep stops and says so. Keep `home` off the disk that runs fill.
//! * Journal and audit survive a SIGKILL, but are not synced to the disk: a power failure may lose their last lines.
//! * Back-off and the period of warnings follow the wall clock. A step back of it makes a name wait at most the longest back-off.
//! * The plan asks `examine` and the veto for each candidate, and each reaped name lists its kinds at least four times: override [`Sweep::remains`] where a
//!   listing is dear.
//! * A step is not interrupted: cancel and deadline end the sweep between two steps, and where a sweep asks its permit.
//! * [`Directories`] takes the name of a directory for its owner. Whoever may create directories there may have them reaped, and nothing else.
//! * A list of the locks reads `/proc/locks`, for which the kernel waits some milliseconds however few there are.
//!
//! # What it does not do
//!
//! It ends no process, talks to no engine, prints nothing and starts no thread. Cgroups are ended by `runward-cgroup`, process trees by
//! `runward-lifetime`, Swarm stacks by the sweep of `runward-swarm`; locks across machines are a backend of `runward-lock`.

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
