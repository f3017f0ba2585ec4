//! What the tests need beyond Rust, by Debian's names.

use std::path::Path;

use crate::{Result, apt, process};

/// A package, and the programs by which we know that it is there.
struct Need {
    package: &'static str,
    programs: &'static [&'static str],
}

const NEEDS: &[Need] = &[
    Need {
        package: "redis-server",
        programs: &["redis-server"],
    },
    Need {
        package: "postgresql",
        programs: &["postgres", "initdb"],
    },
    Need {
        package: "util-linux",
        programs: &["flock", "setpriv", "unshare"],
    },
    Need {
        package: "coreutils",
        programs: &["timeout", "env"],
    },
    Need {
        package: "docker.io",
        programs: &["dockerd", "docker", "containerd", "runc"],
    },
    Need {
        package: "busybox-static",
        programs: &["busybox"],
    },
    Need {
        package: "procps",
        programs: &["ps"],
    },
    Need {
        package: "sudo",
        programs: &["sudo"],
    },
    Need {
        package: "openssl",
        programs: &["openssl"],
    },
    Need {
        package: "openssh-server",
        programs: &["sshd", "ssh", "ssh-keygen"],
    },
    // The fleet of the example keeps its books in either database.
    Need {
        package: "sqlite3",
        programs: &["sqlite3"],
    },
    // A process by a name that is known, and a program that answers in JSON.
    Need {
        package: "python3",
        programs: &["python3"],
    },
    // A status page is looked at in a browser.
    Need {
        package: "chromium",
        programs: &["chromium"],
    },
    // Figures are read by the tool of those who wrote the format.
    Need {
        package: "prometheus",
        programs: &["promtool"],
    },
];

/// Installs what is missing where that can be done, else names it: the tests that need it will skip and say so.
pub(crate) fn provide() -> Result {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !apt::usable() {
        eprintln!(
            "xtask: for the whole suite install: {names} (needs root and apt-get, or your system's names for them)"
        );
        return Ok(());
    }
    eprintln!("xtask: the tests need {names}: installing");
    apt::install(&missing)
}

/// Packages whose programs are not all there.
pub(crate) fn missing() -> Vec<&'static str> {
    let lacks = |need: &&Need| !need.programs.iter().all(|program| present(program));
    NEEDS
        .iter()
        .filter(lacks)
        .map(|need| need.package)
        .collect()
}

fn present(program: &str) -> bool {
    process::find(program).is_some() || in_postgres_folder(program)
}

/// Debian keeps the server's programs off the `PATH`, one folder for each version.
fn in_postgres_folder(program: &str) -> bool {
    let Ok(versions) = Path::new("/usr/lib/postgresql").read_dir() else {
        return false;
    };
    versions
        .flatten()
        .any(|version| version.path().join("bin").join(program).is_file())
}
