//! Black-box tests of `runward-canary`. `harness` has a check that says what its rows say, and a world to judge them in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collecting;
mod confirming;
mod cutting;
mod epochs;
mod files;
mod fleet;
mod harness;
mod health;
mod host;
mod kept;
mod model;
mod remembering;
mod replaying;
mod shown;
mod size;
mod sustaining;
mod transitions;
