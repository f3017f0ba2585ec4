//! The bundle of a run before it is sealed: its place, refused early; what is known of the run when it is armed.
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use runward_evidence::{Spec, bundle};
use runward_lifetime::Program;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::plan::{EvidencePlan, Plan};

/// Where a CI tells the commit.
const COMMITS: [&str; 6] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "DRONE_COMMIT_SHA",
    "DRONE_COMMIT",
    "BUILDKITE_COMMIT",
    "GIT_COMMIT",
];

/// What whoever finishes the run needs to seal its bundle, out of the note. Paths need not be UTF-8.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Evidence {
    dir: OsString,
    staging: OsString,
    spec: Option<SpecFile>,
    locks: OsString,
    pub(super) armed: SystemTime,
    /// Tells what a process that finished the run has written from what the program has, which knows all the rest.
    #[serde(default)]
    pub(super) mark: Option<String>,
    pub(super) facts: Facts,
}

/// What is known of a run when it is armed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Facts {
    /// Names this run where its id names several.
    pub(super) key: String,
    host: Option<String>,
    boot_id: Option<String>,
    commit: Option<String>,
    program_sha256: Option<String>,
    teardowns_planned: usize,
}

/// The spec as it was when the run began: the program must not choose what it is judged by.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct SpecFile {
    path: OsString,
    sha256: String,
    params: Vec<(String, String)>,
}

/// The spec, read before anything starts.
#[derive(Clone, Debug, Default)]
pub(super) struct Court {
    pub(super) spec: Option<Spec>,
    file: Option<SpecFile>,
}

impl Court {
    /// Refuses what could not be judged or sealed at the end.
    pub(super) fn set(plan: &Plan) -> Result<Self> {
        let Some(evidence) = &plan.evidence else {
            return Ok(Self::default());
        };
        check(&evidence.dir)?;
        let Some(path) = &evidence.spec else {
            return Ok(Self::default());
        };
        let unread = |e: std::io::Error| {
            let remedy = "name a file that can be read with --spec";
            Error::io("read the spec", path, &e, remedy)
        };
        let file = SpecFile {
            sha256: bundle::digest(path).map_err(unread)?,
            path: path.into(),
            params: evidence.params.clone().into_iter().collect(),
        };
        Ok(Self {
            spec: Some(file.load().map_err(Error::config)?),
            file: Some(file),
        })
    }
}

impl SpecFile {
    fn load(&self) -> std::result::Result<Spec, String> {
        let path = Path::new(&self.path);
        let now = bundle::digest(path)
            .map_err(|e| format!("cannot read the spec {}: {e}", path.display()))?;
        if now != self.sha256 {
            return Err(format!(
                "the spec {} was changed during the run",
                path.display()
            ));
        }
        Spec::load(path, &self.params).map_err(|e| e.to_string())
    }
}

/// A bundle gets to its place by one rename, over nothing or over an empty directory.
pub(crate) fn check(dir: &Path) -> Result<()> {
    const REMEDY: &str =
        "give --evidence a directory that is empty or not there yet, beside which one can be made";
    let refused = |why: &str| {
        let shown = dir.display();
        Err(Error::place(format!(
            "cannot seal a bundle in {shown}: {why}; {REMEDY}"
        )))
    };
    let parent = dir.parent().unwrap_or(Path::new("/"));
    let above = match fs::metadata(parent) {
        Ok(above) if above.is_dir() => above,
        Ok(_) => return refused("what it lies in is no directory"),
        Err(e) => return refused(&format!("{}: {e}", parent.display())),
    };
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    if let Err(e) = rustix::fs::access(parent, access) {
        return refused(&format!("{}: {e}", parent.display()));
    }
    match fs::symlink_metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return refused(&e.to_string()),
        Ok(found) if !found.is_dir() => return refused("it is no directory"),
        Ok(found) if found.dev() != above.dev() => return refused("it is a mount point"),
        Ok(_) => {}
    }
    match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
        Ok(false) => Ok(()),
        Ok(true) => refused("it is not empty"),
        Err(e) => refused(&e.to_string()),
    }
}

/// What the program and the teardowns are told of it.
pub(super) fn tell(program: Program, plan: &EvidencePlan) -> Program {
    program.env("RUNWARD_EVIDENCE_DIR", &plan.staging)
}

/// Under guards and locks, before the program: what is older than this directory is not of this run.
pub(super) fn arm(plan: &Plan, env: &Environment, court: &Court) -> Result<Option<Evidence>> {
    let Some(evidence) = &plan.evidence else {
        return Ok(None);
    };
    let staging = &evidence.staging;
    let refused = |e| {
        let remedy = "name a place with --evidence beside which a directory can be made";
        Error::io("create the directory", staging, &e, remedy)
    };
    // By our clock or that of the file system, whichever is earlier.
    let ours = SystemTime::now();
    DirBuilder::new()
        .mode(0o700)
        .create(staging)
        .map_err(refused)?;
    let theirs = fs::metadata(staging).and_then(|made| made.modified());
    Ok(Some(Evidence {
        dir: (&evidence.dir).into(),
        staging: staging.into(),
        spec: court.file.clone(),
        locks: (&plan.locks).into(),
        armed: theirs.unwrap_or(ours).min(ours),
        mark: first_line("/proc/sys/kernel/random/uuid"),
        facts: Facts {
            key: plan.key.clone(),
            host: first_line("/proc/sys/kernel/hostname"),
            boot_id: first_line("/proc/sys/kernel/random/boot_id"),
            commit: COMMITS.into_iter().find_map(|name| env.text(name)),
            program_sha256: digest(&plan.argv[0], env),
            teardowns_planned: plan.teardowns.len(),
        },
    }))
}

/// Nothing was started, so there is nothing in it.
pub(super) fn disarm(plan: &Plan) {
    let staging = plan.evidence.as_ref().map(|evidence| &evidence.staging);
    let _ = staging.map(fs::remove_dir);
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(str::to_owned)
}

/// Of the file that is going to be executed, as far as can be told.
fn digest(program: &OsStr, env: &Environment) -> Option<String> {
    let path = Path::new(program);
    if path.components().count() > 1 || path.is_absolute() {
        return bundle::digest(path).ok();
    }
    let places = std::env::split_paths(env.os("PATH")?);
    let mut found = places.map(|place| place.join(path));
    found.find_map(|path| {
        rustix::fs::access(&path, rustix::fs::Access::EXEC_OK).ok()?;
        bundle::digest(&path).ok()
    })
}

impl Evidence {
    pub(super) fn dir(&self) -> PathBuf {
        self.dir.clone().into()
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.staging.clone().into()
    }

    pub(super) fn locks(&self) -> &Path {
        Path::new(&self.locks)
    }

    /// The spec, by one who was not there when the run began; none if there is none.
    pub(super) fn spec(&self) -> Option<std::result::Result<Spec, String>> {
        self.spec.as_ref().map(SpecFile::load)
    }
}
