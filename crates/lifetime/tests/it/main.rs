//! Black-box tests of `runward-lifetime` with real processes. `harness` says how a test talks to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::zombie_processes,
    reason = "a child that a test leaves to its subject is the point of that test"
)]

mod ancestors;
mod harness;
mod kills;
mod recovery;
mod refusal;
mod runs;
mod subject;
mod waiting;
