//! Black-box tests of `runward-abradir` with real files, real mounts and processes that are killed. `harness` says how they are made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canonical;
mod environment;
mod harness;
mod interruption;
mod naming;
mod pinning;
mod placing;
mod removal;
mod sharing;
mod storage;
