//! Black-box tests of `runward-evidence`: specs and bundles in, reports out. `harness` makes both.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;
mod reference;
