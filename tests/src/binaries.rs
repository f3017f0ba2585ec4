//! Where the programs are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary under test: `RUNWARD_BIN`, else built once, with the profile of the tests.
pub fn runward() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| env::var_os("RUNWARD_BIN").map_or_else(build, PathBuf::from))
}

/// A fixture by its name after `fixture-`.
pub fn fixture(name: &str) -> PathBuf {
    let path = directory().join(format!("fixture-{name}"));
    assert!(
        path.exists(),
        "no fixture {}: build the whole package",
        path.display()
    );
    path
}

fn build() -> PathBuf {
    let path = directory().join("runward");
    // A test binary that is started by hand takes what is there.
    if let Some(cargo) = env::var_os("CARGO") {
        let status = Command::new(cargo)
            .args(cargo_arguments())
            .status()
            .expect("cargo starts");
        assert!(status.success(), "cargo build -p runward failed");
    }
    assert!(
        path.exists(),
        "no {}: run `cargo build -p runward` first, or set RUNWARD_BIN",
        path.display()
    );
    path
}

fn cargo_arguments() -> Vec<&'static str> {
    let mut arguments = vec!["build", "--quiet", "--package", "runward"];
    if !cfg!(debug_assertions) {
        arguments.push("--release");
    }
    arguments
}

// A test binary lies in `deps`, the fixtures beside that folder or in it.
fn directory() -> PathBuf {
    let own = env::current_exe().expect("/proc is mounted");
    let folder = own.parent().expect("a program lies in a folder");
    if folder.ends_with("deps") {
        folder.parent().expect("deps has a parent").to_owned()
    } else {
        folder.to_owned()
    }
}
