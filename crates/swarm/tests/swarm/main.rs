//! Black-box tests of `runward-swarm` with a real Docker engine. `harness` starts it, `proxy` lies between it and us.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod converge;
mod faults;
mod harness;
mod proxy;
mod sweep;
mod teardown;
