//! The command as its users see it: arguments, environment and files in; exit code, streams and files out.
mod harness;

mod configuration;
mod identity;
mod manual;
mod plan;
mod streams;
