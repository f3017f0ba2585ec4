//! Black-box tests of `runward-lock` with real processes. `harness` says how a test talks to them.
#![expect(missing_docs, reason = "tests")]

mod basics;
