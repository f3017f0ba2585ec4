//! Black-box tests of `runward-janitor` with real locks and real processes. `harness` says how a test talks to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allow;
mod basics;
mod crash;
mod directories;
mod discovery;
mod harness;
mod keeping;
mod memory;
mod model;
mod peer;
mod records;
mod retry;
mod rivals;
mod things;
mod watched;
