//! Black-box tests with real servers, processes and files. `harness` starts them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command;
mod docker;
mod fleet;
mod harness;
mod http;
mod ledger;
mod locks;
mod postgres;
mod procfs;
mod redis;
mod refusals;
mod sqlite;
mod storage;
