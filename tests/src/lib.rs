//! The harness of the tests that cross crates: the `runward` binary, real processes, real servers.
//!
//! The tests know nothing but the documented command line and files. They are two binaries with a module for each topic:
//! `tests/tests/suite/main.rs`, and `tests/tests/swarm/main.rs` for what needs a Docker engine, which it starts once; the drills of the fleet, in
//! the first, have an engine of their own.
//!
//! ```text
//! cargo test -p runward-tests                      # builds the binary `runward` itself
//! RUNWARD_BIN=/usr/bin/runward cargo test -p runward-tests
//! ```
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `RUNWARD_BIN` | the binary under test | built by `cargo build -p runward` |
//! | `RUNWARD_KILL_ROUNDS` | rounds of random SIGKILLs of owner, guardian or both | 12 |
//! | `RUNWARD_SERVER_ROUNDS` | rounds of Redis and PostgreSQL cancelled at random | 3 |
//! | `RUNWARD_CHURN_SECONDS`, `RUNWARD_CHURN_RUNS` | how long runs come and go on a real Swarm, and how many at once | 30, 4 |
//! | `RUNWARD_BOMB` | processes that the fork bomb may have | 300 |
//! | `RUNWARD_SEED` | seed of what is random; each failure prints its own | the clock |
//! | `RUNWARD_CI_SCALE` | scale of the delays of the emulated CI runners | 0.1 |
//! | `RUNWARD_SKIP_LOG` | file that gets a line for each skipped test | none |
//! | `RUNWARD_FORBID_SKIPS` | when set, a skip is a failure | unset |
//!
//! # How a test waits
//!
//! Never by sleeping. A program under test reports over a [`Line`], a named pipe whose other end each
//! of its processes holds: words arrive as they are written, and the end of file proves that the last
//! holder is dead, however it was started and whatever it closed. A [`Gate`] lets a program go on. The end of
//! a process is waited for on its pidfd. Every wait ends at the limit of its [`Sandbox`], which
//! then prints what was going on and ends every process that it can find.
//!
//! # How survivors are found
//!
//! Each sandbox has a token that no other has. It is in the command line of every fixture and in the path of the
//! sandbox's directory, where servers are started: [`procs::of_token`] looks for both.

pub mod binaries;
pub mod bomb;
pub mod chance;
pub mod engine;
pub mod gate;
pub mod line;
pub mod options;
pub mod places;
pub mod plant;
pub mod procs;
pub mod proxy;
pub mod pty;
pub mod record;
pub mod report;
pub mod run;
pub mod running;
pub mod sandbox;
pub mod seen;
pub mod servers;
pub mod skip;
pub mod stream;
pub mod swarm;
pub mod sweep;
pub mod teardown;

pub use gate::Gate;
pub use line::Line;
pub use plant::{Leaf, Plant, Then};
pub use record::Record;
pub use run::Run;
pub use running::{Ended, Running};
pub use sandbox::Sandbox;
pub use teardown::Teardown;
