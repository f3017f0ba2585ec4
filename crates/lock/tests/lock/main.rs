//! Black-box tests of `runward-lock` with real processes. `harness` says how a test talks to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod above;
mod basics;
mod conformance;
mod crash;
mod harness;
mod interleaving;
mod looking;
mod model;
mod names;
mod passing;
mod peer;
mod refusal;
mod removal;
mod signals;
mod waiting;
