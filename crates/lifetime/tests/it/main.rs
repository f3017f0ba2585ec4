//! Black-box tests of `runward-lifetime` with real processes. `harness` says how a test talks to them.
