//! placeholder
#![forbid(unsafe_code)]

mod bound;
mod cell;
#[cfg(any(feature = "flock-dir", feature = "procfs"))]
mod clock;
#[cfg(feature = "command")]
mod command;
#[cfg(feature = "docker")]
mod docker;
mod facet;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "flock-dir")]
mod flock_dir;
#[cfg(feature = "http")]
mod http;
#[cfg(any(feature = "command", feature = "http"))]
mod json;
mod local;
mod look;
#[cfg(any(feature = "http", feature = "postgres", feature = "redis"))]
mod net;
mod open;
mod options;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "procfs")]
mod procfs;
#[cfg(feature = "redis")]
mod redis;
mod rows;
#[cfg(feature = "run-dirs")]
mod run_dirs;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod secret;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod template;

pub use open::{kinds, open};
