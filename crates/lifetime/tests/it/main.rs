//! Black-box tests of `runward-lifetime` with real processes. `harness` says how a test talks to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod ancestors;
mod frozen;
mod harness;
mod kills;
mod recovery;
mod refusal;
mod runs;
mod subject;
mod waiting;
