//! Debian's packages: installed without questions, without recommendations and without starting a server.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::{Result, process};

/// What maintainer scripts ask before they start a service; exit code 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Whether packages can be installed here without asking anybody.
pub(crate) fn usable() -> bool {
    is_root() && process::find("apt-get").is_some()
}

/// Installs packages, refreshing the lists only when that is what it takes.
pub(crate) fn install(packages: &[&str]) -> Result {
    let _no_servers = NoServers::begin()?;
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    args.extend(packages);
    with_fresh_lists(|| process::run(&mut apt(&args)))
}

/// Downloads packages into a folder without installing them.
pub(crate) fn download(packages: &[&str], into: &Path) -> Result {
    fs::create_dir_all(into)?;
    let mut args = vec!["download", "-q"];
    args.extend(packages);
    with_fresh_lists(|| process::run(apt(&args).current_dir(into)))
}

fn with_fresh_lists(attempt: impl Fn() -> Result) -> Result {
    if attempt().is_ok() {
        return Ok(());
    }
    eprintln!("xtask: refreshing the package lists and trying once more");
    process::run(&mut apt(&["update", "-q"]))?;
    attempt()
}

fn apt(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// While it lives, an installation starts no service; a policy that was there before is left alone.
struct NoServers {
    ours: bool,
}

impl NoServers {
    fn begin() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServers {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
