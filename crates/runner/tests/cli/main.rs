//! The command as its users see it: arguments, environment and files in; exit code, streams and files out.
#![expect(
    clippy::unwrap_used,
    reason = "what fails around a test fails the test"
)]
mod harness;

mod attest;
mod canary_rules;
mod configuration;
mod identity;
mod manual;
mod ownership;
mod plan;
mod reports;
mod run;
mod streams;
