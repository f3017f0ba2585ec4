//! Black-box tests of `runward-evidence`: specs and bundles in, reports out. `harness` makes both.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attesting;
mod bad_specs;
mod checks;
mod commands;
mod defects;
mod determinism;
mod drills;
mod foreign;
mod formats;
mod harness;
mod hostile;
mod memory;
mod proving;
mod reference;
mod sample;
mod sealing;
mod shipped;
mod verdicts;
