//! Programs that the bench runs beside runward. One that cannot be had is a row with the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::{Result, apt, deps, process, workspace};

/// Programs by the Debian package that holds them.
const PACKAGED: &[(&str, &str)] = &[
    ("tini", "tini"),
    ("dumb-init", "dumb-init"),
    ("catatonit", "catatonit"),
    ("bwrap", "bubblewrap"),
    ("timeout", "coreutils"),
    ("flock", "util-linux"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
];

/// Bazel's helpers come with half of Java, so they are unpacked and not installed; they need these libraries.
const BAZEL: &[&str] = &["bazel-bootstrap", "libprotobuf32", "libprotoc32"];
const BAZEL_PROGRAMS: &[&str] = &["process-wrapper", "linux-sandbox"];

const PROCESSKIT: (&str, &str) = ("processkit-cli", "0.3.4");
const FILELOCK: &str = "filelock==4.2.11";

/// Installs what can be installed; returns, by name, where each rival is or why it is not.
pub(crate) fn provide() -> Value {
    let mut found = BTreeMap::new();
    packaged(&mut found);
    bazel(&mut found);
    let processkit = deps::install(PROCESSKIT.0, PROCESSKIT.1, &[]);
    let version = format!("{} {}", PROCESSKIT.0, PROCESSKIT.1);
    found.insert(
        "processkit-cli",
        entry(processkit.map(|path| (path, json!({}), version))),
    );
    found.insert("filelock", entry(filelock()));
    json!(found)
}

/// Where a program is, the variables it needs and its version.
type Rival = (PathBuf, Value, String);

fn entry(rival: Result<Rival>) -> Value {
    match rival {
        Ok((path, env, version)) => json!({ "path": path, "env": env, "version": version }),
        Err(reason) => json!({ "missing": reason.to_string() }),
    }
}

fn packaged(found: &mut BTreeMap<&str, Value>) {
    let absent = |(program, _): &&(&str, &str)| process::find(program).is_none();
    let packages: Vec<_> = PACKAGED
        .iter()
        .filter(absent)
        .map(|(_, package)| *package)
        .collect();
    let installed = match () {
        () if packages.is_empty() => Ok(()),
        () if apt::usable() => apt::install(&packages),
        () => Err("not installed, and installing it needs root and apt-get".into()),
    };
    let reason = installed.err().map(|e| e.to_string());
    for (program, package) in PACKAGED {
        let path = process::find(program)
            .ok_or_else(|| reason.clone().unwrap_or("not on the PATH".into()).into());
        found.insert(
            program,
            entry(path.map(|path| (path, json!({}), package_version(package)))),
        );
    }
}

fn package_version(package: &str) -> String {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${Package} ${Version}", package]);
    process::output(&mut query).unwrap_or_else(|_| package.to_owned())
}

fn bazel(found: &mut BTreeMap<&str, Value>) {
    let unpacked = unpack_bazel();
    for program in BAZEL_PROGRAMS {
        let rival = match &unpacked {
            Ok(root) => bazel_program(root, program),
            Err(reason) => Err(reason.to_string().into()),
        };
        found.insert(program, entry(rival));
    }
}

fn unpack_bazel() -> Result<PathBuf> {
    let root = workspace::target().join("bench/bazel");
    if root.join("usr").is_dir() {
        return Ok(root);
    }
    if process::find("apt-get").is_none() {
        return Err("needs apt-get and dpkg to fetch and unpack Debian's bazel-bootstrap".into());
    }
    apt::download(BAZEL, &root)?;
    for file in fs::read_dir(&root)?.flatten().map(|file| file.path()) {
        if file.extension().is_some_and(|extension| extension == "deb") {
            process::run(Command::new("dpkg").arg("-x").args([&file, &root]))?;
        }
    }
    Ok(root)
}

fn bazel_program(root: &Path, program: &str) -> Result<Rival> {
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let path = root
        .join("usr/libexec")
        .join(&multiarch)
        .join("bazel")
        .join(program);
    if !path.is_file() {
        return Err(format!("the package has no {}", path.display()).into());
    }
    let libraries = root.join("usr/lib").join(&multiarch);
    Ok((
        path,
        json!({ "LD_LIBRARY_PATH": libraries }),
        "bazel 4.2.3 (Debian)".into(),
    ))
}

/// A Python that finds the package in a folder of its own.
fn filelock() -> Result<Rival> {
    // The one on the PATH may be a script that looks for the interpreter at each start.
    let asked =
        process::output(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]))?;
    let python = PathBuf::from(asked.trim());
    let folder = workspace::target().join("bench/python");
    if !folder.join("filelock").is_dir() {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(&folder)
            .arg(FILELOCK);
        process::run(&mut pip)?;
    }
    Ok((python, json!({ "PYTHONPATH": folder }), FILELOCK.into()))
}
