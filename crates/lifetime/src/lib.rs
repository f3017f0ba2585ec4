//! A process tree that ends: with its owner, with any ancestor of it, at its deadline, when it is
//! cancelled. Then its teardowns run, once, whoever was killed on the way.
//!
//! A CI that cancels a job sends SIGKILL to one shell and walks away. What the shell had started
//! lives on: the test, its daemons, the application that it had deployed. `PR_SET_PDEATHSIG` reaches
//! a single child of a single parent, a process group loses everyone who calls `setsid`, and a trap
//! does not run after SIGKILL. Here a *guardian*, forked before anything else happens, holds the
//! tree and finishes for an owner that dies.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use runward_lifetime::{Error, Lifetime, Program};
//!
//! fn main() -> Result<ExitCode, Error> {
//!     let lifetime = Lifetime::new(Program::new("make").arg("test"));
//!     let outcome = lifetime.teardown(["docker", "rm", "-f", "db"]).run()?;
//!     Ok(outcome.exit_code().into())
//! }
//! ```
//!
//! # Guarantees
//!
//! With [`Containment::Cgroup`], which [`Choice::Auto`] takes where this host allows it:
//!
//! - When [`Running::wait`] returns, no process of the tree is alive, or [`Outcome::survivors`]
//!   names it. Double forks, `setsid`, ignored signals, stopped processes and fork bombs do not help.
//! - The same holds some milliseconds after a SIGKILL of the owner (this process), and after a
//!   SIGKILL of the guardian. After a SIGKILL of both it holds when [`recover`] has been called on
//!   the journal.
//! - The death of any ancestor, not of the parent alone, cancels the run, without privilege.
//! - Each teardown is started once, after the tree is empty; a signal that comes meanwhile changes
//!   nothing, and its output cannot kill it.
//! - Descriptors given to [`Armed::start`], such as locks, are closed last.
//! - The program has the terminal, the signal mask and dispositions, and the descriptors that it
//!   would have had without us.
//!
//! The first signal (SIGTERM, SIGINT, SIGHUP) or ancestor's death asks the program to end: SIGTERM
//! and SIGCONT. The rest of its tree is asked when the program has ended, or after half the grace;
//! after the whole grace the tree is killed. A second signal changes nothing, a third kills at once.
//!
//! # Limits
//!
//! | containment | escapes | after SIGKILL of owner | of owner and guardian |
//! |---|---|---|---|
//! | cgroup | nobody | tree gone, teardowns run | at [`recover`] |
//! | pid namespace | nobody; the program sees other pids | the same | at [`recover`] |
//! | subreaper | nobody | the same | the tree lives on; teardowns run at [`recover`] |
//! | group | whoever calls `setsid` or `setpgid` | the group gone, teardowns run | the group, at [`recover`], if its leader lives |
//!
//! - Only one run at a time in a process, armed before its first thread. Signals are blocked in
//!   the process while it lasts, and the process becomes a subreaper.
//! - The guardian has a copy of each descriptor that was open when the guards were armed, also of
//!   those closed on exec, until it ends: the hooks may need any. Open what somebody waits to be
//!   closed after arming, and give it to [`Armed::start`] if it is to be kept.
//! - As the first process of a container the owner takes the guardian with it when it is killed, as the
//!   kernel then kills all: that is the case of both.
//! - A process that leaves the cgroup by writing to another's `cgroup.procs` has left.
//! - A process in uninterruptible sleep dies when it leaves the kernel. It is named as a survivor.
//! - A frozen process is thawed, also in a version 1 freezer, if its cgroup holds nobody but the
//!   run's processes. Otherwise it is named as a survivor, with that cgroup.
//! - The deadline is by the monotonic clock: it does not count suspension, nor the time that the
//!   owner was stopped from its terminal.
//! - Of what a teardown prints, about the last MiB has room on the disk of the journal, or in memory
//!   without one; more is taken back as it grows, unless its guardian was killed.
//! - With [`Leaks::Allow`] a cgroup whose processes stay is not removed when they end.
//! - A teardown whose owner *and* guardian were killed while it ran is waited for, and its exit
//!   code is not known.
//! - A guardian that was killed after the program had ended, before it could tell, leaves the
//!   program's status unknown: the outcome is [`Cause::Failed`], never a guess.
//! - Linux 5.3 for pidfds, 5.7 to be born in a cgroup, 5.9 for `close_range`. No other system.
//! - Nothing is locked here and no record is written: that is the business of `runward-lock` and
//!   of `runward`, which give this crate descriptors to keep and hooks to call.
//!
//! See `prctl(2)`, `pidfd_open(2)`, `clone3(2)`, `cgroups(7)`, `pid_namespaces(7)`, `signal(7)`.

mod ancestors;
mod describe;
mod error;
mod event;
mod freezer;
mod guardian;
mod guards;
mod holder;
mod host;
mod info;
mod inherited;
mod journal;
mod lifetime;
mod link;
mod machine;
mod mark;
mod memory;
mod outcome;
mod output;
mod outside;
mod owner;
mod process;
mod program;
mod reaper;
mod recover;
mod spawn;
mod stuck;
mod sys;
mod takeover;
mod teardown;
mod tree;
mod unfinished;
mod wait;

pub use error::{Error, ErrorKind};
pub use event::Event;
pub use host::{Host, Rung};
pub use lifetime::{Choice, Containment, Leaks, Lifetime};
pub use outcome::{Cause, Finisher, Outcome, Output, Process, Status, TeardownReport};
pub use owner::{Armed, Running};
pub use program::Program;
pub use recover::recover;
pub use unfinished::Unfinished;
