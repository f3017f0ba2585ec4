//! The whole flow of `examples/abra-ci` on a real Docker Swarm, with a stand-in for abra; `harness` has the engine,
//! `build` the runs.

mod abra;
mod build;
mod churn;
mod drill;
mod faults;
mod harness;
mod orphan;
mod proxy;
mod rehearsal;
