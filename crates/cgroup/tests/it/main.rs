//! Black-box tests of `runward-cgroup` with real processes. `harness` says how a test talks to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ending;
mod harness;
mod members;
mod refusal;
