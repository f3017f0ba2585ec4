//! The bundle of drills: it grows beside its place, is sealed however the drills went, and gets there by one rename.
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::sys::signal::Signal;
use runward_canary::Snapshot;
use runward_canary::rules::Drill;
use runward_evidence::{Dir, Spec, Verdict, bundle, verify};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::clock;
use super::super::setup::Setup;
use super::outcome::Outcome;
use super::{choose, rows};
use crate::commands::evidence::terms;
use crate::error::{Error, Result};
use crate::record::timestamp;

const STEPS: &str = "steps.jsonl";
const SNAPSHOTS: &str = "snapshots.jsonl";
const OUTCOMES: &str = "outcomes.jsonl";
/// What systems and commands say is for the user alone.
const PRIVATE: u32 = 0o600;

/// What is said of the drills as a whole.
pub(super) struct About<'a> {
    pub(super) setup: &'a Setup,
    pub(super) drills: &'a [&'a Drill],
    /// All kinds that the rules can find have to be drilled.
    pub(super) all: bool,
    pub(super) ended_by: Option<Signal>,
}

/// A bundle that grows.
pub(super) struct Draft {
    dir: PathBuf,
    folder: PathBuf,
    key: String,
    armed: SystemTime,
    steps: File,
    snapshots: File,
    /// What could not be written: then there is no bundle.
    failed: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    key_of: super::stage::Named<'a>,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// The directory beside `dir` in which its bundle grows.
pub(super) fn place(dir: &Path) -> Result<(PathBuf, PathBuf)> {
    let absolute = std::path::absolute(dir);
    let dir = absolute.map_err(|e| Error::io("make absolute", dir, &e, "give an absolute path"))?;
    crate::run::check_bundle_place(&dir)?;
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let (name, once) = (crate::slug::slug(&name), clock::boottime());
    let draft = format!(".{name}.{}-{once}.runward", std::process::id());
    Ok((dir.with_file_name(draft), dir))
}

impl Draft {
    pub(super) fn begin(folder: PathBuf, dir: PathBuf) -> Result<Self> {
        let refused = |e| {
            let remedy = "name a place with --evidence beside which a directory can be made";
            Error::io("create the directory", &folder, &e, remedy)
        };
        // By our clock or that of the file system, whichever is earlier.
        let ours = SystemTime::now();
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(refused)?;
        let theirs = fs::metadata(&folder).and_then(|made| made.modified());
        let file = |name: &str| {
            let mut options = OpenOptions::new();
            options
                .create_new(true)
                .append(true)
                .mode(PRIVATE)
                .open(folder.join(name))
        };
        Ok(Self {
            steps: file(STEPS).map_err(refused)?,
            snapshots: file(SNAPSHOTS).map_err(refused)?,
            key: fs::read_to_string("/proc/sys/kernel/random/uuid")
                .map_err(refused)?
                .trim()
                .to_owned(),
            armed: theirs.unwrap_or(ours).min(ours),
            failed: None,
            folder,
            dir,
        })
    }

    pub(super) fn step(&mut self, mut row: Value) {
        row["key"] = json!(self.key);
        let written = self.steps.write_all(format!("{row}\n").as_bytes());
        self.note(STEPS, written);
    }

    pub(super) fn snapshot(&mut self, snapshot: &Snapshot) {
        let line = format!("{}\n", snapshot.to_json().trim_end());
        let written = self.snapshots.write_all(line.as_bytes());
        self.note(SNAPSHOTS, written);
    }

    fn note(&mut self, name: &str, written: std::io::Result<()>) {
        if let Err(e) = written {
            let path = self.folder.join(name);
            let why = format!("cannot write {}: {e}", path.display());
            self.failed.get_or_insert(why);
        }
    }

    /// Seals what there is, brings it to its place, and judges it. Without a seal nothing gets there.
    pub(super) fn finish(mut self, about: &About<'_>, outcomes: &[Outcome]) -> Sealed {
        let done = self.seal(about, outcomes).and_then(|()| {
            let moved = fs::rename(&self.folder, &self.dir);
            moved.map_err(|e| format!("cannot move it to {}: {e}", self.dir.display()))
        });
        if let Err(why) = done {
            let _ = fs::remove_dir_all(&self.folder);
            return Sealed::not(why);
        }
        judged(&self.dir, about.all)
    }

    fn seal(&mut self, about: &About<'_>, outcomes: &[Outcome]) -> std::result::Result<(), String> {
        if let Some(why) = self.failed.take() {
            return Err(why);
        }
        let said = |e: runward_evidence::Error| e.to_string();
        let lines = outcomes.iter().map(|outcome| self.line(outcome));
        let lines: std::result::Result<String, _> = lines.collect();
        let lines = lines.map_err(|e| e.to_string())?;
        bundle::put(&self.folder, OUTCOMES, lines.as_bytes()).map_err(said)?;
        let digest = bundle::digest(&self.folder.join(SNAPSHOTS)).map_err(|e| e.to_string())?;
        let run = format!("{}\n", self.run(about, &digest));
        bundle::put(&self.folder, bundle::RUN, run.as_bytes()).map_err(said)?;
        let terms = terms().ok_or("there is no day to judge waivers by")?;
        let about = json!({ "key": self.key }).to_string();
        bundle::seal(&self.folder, self.armed, &about, &terms).map_err(said)?;
        self.make_private().map_err(|e| e.to_string())
    }

    /// Also what the seal wrote; in a directory that nobody else could enter until now.
    fn make_private(&self) -> std::io::Result<()> {
        for file in fs::read_dir(&self.folder)? {
            fs::set_permissions(file?.path(), Permissions::from_mode(PRIVATE))?;
        }
        Ok(())
    }

    fn line(&self, outcome: &Outcome) -> serde_json::Result<String> {
        let key = outcome.key();
        let line = Line {
            key: &self.key,
            key_of: key.named(),
            outcome,
        };
        serde_json::to_string(&line).map(|line| line + "\n")
    }

    fn run(&self, about: &About<'_>, snapshots: &str) -> Value {
        let rules = &about.setup.rules;
        let chosen = about.drills.iter();
        let kinds = match about.all {
            true => choose::kinds(rules),
            false => chosen
                .map(|it| choose::kind(&it.invariant, &it.kind))
                .collect(),
        };
        let host = rustix::system::uname();
        json!({
            "schema": 1,
            "key": self.key,
            "what": "canary drill",
            "version": env!("CARGO_PKG_VERSION"),
            "host": host.nodename().to_string_lossy(),
            "armed": timestamp(self.armed),
            "ended": clock::now(),
            "ended_by": about.ended_by.map(Signal::as_str),
            "rules": { "title": rules.title(), "digest": rules.digest() },
            "scope": { "chosen": true, "all": about.all },
            "kinds": kinds,
            "drills": rows::plan(about.drills),
            "snapshots_sha256": snapshots,
        })
    }
}

/// What the bundle came to.
#[derive(Debug, Serialize)]
pub(super) struct Sealed {
    /// None if there is no bundle.
    pub(super) dir: Option<PathBuf>,
    pub(super) verdict: &'static str,
    /// What is not proven, or could not be done.
    pub(super) why: Option<String>,
}

impl Sealed {
    fn not(why: String) -> Self {
        Self {
            dir: None,
            verdict: Verdict::Inconclusive.name(),
            why: Some(why),
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        self.verdict == Verdict::Proven.name()
    }
}

/// By the spec that comes with the command, as anybody else can.
fn judged(dir: &Path, all: bool) -> Sealed {
    let sealed = |verdict: Verdict, why| Sealed {
        dir: Some(dir.to_owned()),
        verdict: verdict.name(),
        why,
    };
    match report(dir, all) {
        Err(why) => sealed(Verdict::Inconclusive, Some(why)),
        Ok(report) => {
            let mut open = report.judgements().iter();
            let first =
                open.find_map(|one| Some(format!("{}: {}", one.id(), one.failure()?.message())));
            sealed(report.verdict(), first)
        }
    }
}

fn report(dir: &Path, all: bool) -> std::result::Result<runward_evidence::Report, String> {
    let said = |e: runward_evidence::Error| e.to_string();
    let scope = if all { "all" } else { "chosen" };
    let text = runward_evidence::shipped().find(|(name, _)| *name == "canary-drill");
    let text = text.map(|(_, text)| text).unwrap_or_default();
    let spec = Spec::with_params("canary-drill", text, &[("scope", scope)]).map_err(said)?;
    let terms = terms().ok_or("there is no day to judge waivers by")?;
    Ok(verify(&spec, &Dir::open(dir).map_err(said)?, &terms))
}
