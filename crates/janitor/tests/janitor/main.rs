//! Black-box tests of `runward-janitor` with real locks and real processes. `harness` says how a test talks to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod basics;
mod crash;
mod harness;
mod peer;
mod things;
