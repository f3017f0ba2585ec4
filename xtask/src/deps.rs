//! `cargo xtask deps`: licences, duplicate versions and origins of the dependencies.

use std::path::PathBuf;
use std::process::Command;

use lexopt::prelude::*;

use crate::{Result, process, workspace};

const HELP: &str = "\
Checks licences, duplicate versions and origins of the dependencies by deny.toml

usage: cargo xtask deps

Runs cargo-deny: the one on the PATH, else one that is built once into target/tools
(or into the folder that XTASK_TOOLS names).
";

/// Without its git features: we do not ask the advisory database, and they are most of its build.
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");

pub(crate) fn main(mut args: lexopt::Parser) -> Result {
    match args.next()? {
        None => check(),
        Some(Short('h') | Long("help")) => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(other.unexpected().into()),
    }
}

/// Fails when a rule of deny.toml is broken, or when the lock file does not fit the manifests.
pub(crate) fn check() -> Result {
    locked()?;
    let mut command = Command::new(deny()?);
    command.current_dir(workspace::root());
    process::run(command.args(["check", "licenses", "bans", "sources"]))
}

fn locked() -> Result {
    let args = ["metadata", "--locked", "--format-version", "1"];
    process::output(&mut process::cargo(args))
        .map(drop)
        .map_err(|e| {
            format!("Cargo.lock does not fit the manifests; run `cargo check` and commit it\n{e}")
                .into()
        })
}

fn deny() -> Result<PathBuf> {
    if let Some(found) = process::find(DENY.0) {
        return Ok(found);
    }
    install(DENY.0, DENY.1, &["--no-default-features", "--debug"])
}

/// Builds a program from the registry, once, and returns where it is.
pub(crate) fn install(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let root = tools().join(format!("{name}-{version}"));
    let program = root.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("xtask: building {name} {version}, once");
    let mut command = process::cargo(["install", "--quiet", "--locked", "--root"]);
    command
        .arg(&root)
        .args(["--version", version])
        .args(options)
        .arg(name);
    // The flags of this workspace are for what it ships.
    process::run(command.env_remove("RUSTFLAGS").current_dir("/"))?;
    Ok(program)
}

/// The folder of tools that are built once.
fn tools() -> PathBuf {
    match std::env::var_os("XTASK_TOOLS") {
        Some(dir) => workspace::root().join(dir),
        None => workspace::target().join("tools"),
    }
}
