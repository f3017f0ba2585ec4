//! Looking at many locks, and whether looking is in anybody's way.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::Result;
use crate::other::Other;
use crate::ours;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

const READDIR: &str = "readdir alone";
const LIST: &str = "runward-lock list";
const HELD: usize = 100;

/// A look at all the locks of a directory.
type Look = fn(&Path) -> Result;

const LOOKS: &[(&str, Look)] = &[
    (READDIR, |dir| names(dir).map(drop)),
    (LIST, |dir| ours::list(dir).map(drop)),
    ("open + flock + close of each", probe_all),
];

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let files = setting.rounds(100_000, 10_000);
    let title = format!("A look at {files} lock files of which {HELD} are held");
    let mut section = Section::new("scan", title, Unit::Nanoseconds);
    if let Err(error) = scan(setting, files, &mut section) {
        section.row(LIST, Outcome::Failed(error.to_string()));
    }
    section.target_ratio(LIST, READDIR, 2.5);
    vec![section, interference(setting)]
}

fn scan(setting: &Setting, files: usize, section: &mut Section) -> Result {
    let dir = setting.scratch().join("scan");
    let name = |number| format!("app-{number}");
    ours::leave(&dir, (0..files).map(name))?;
    let mut args = vec!["hold".into(), dir.clone().into_os_string()];
    args.extend((0..HELD).map(|number| name(number).into()));
    let holder = Other::start(setting, args)?;
    let found = ours::list(&dir)?;
    if found != (files, HELD) {
        return Err(format!("of {files} locks and {HELD} held it lists {found:?}").into());
    }
    let mut samples = vec![Samples::default(); LOOKS.len()];
    for round in 0..setting.rounds(9, 2) {
        for turn in order(round, LOOKS.len()) {
            let began = Instant::now();
            LOOKS[turn].1(&dir)?;
            samples[turn].push(began.elapsed().as_secs_f64() * 1e9);
        }
    }
    drop(holder);
    for ((name, _), samples) in LOOKS.iter().zip(samples) {
        let summary = samples.summary().ok_or("no round was run")?;
        section.row(*name, Outcome::Measured(summary, String::new()));
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?;
    Ok(entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?)
}

/// What a janitor in a script does: it takes each lock for a moment.
fn probe_all(dir: &Path) -> Result {
    for path in names(dir)? {
        let _ = File::open(path)?.try_lock();
    }
    Ok(())
}

/// How many of these tries at a free lock fail because somebody looks at it meanwhile.
fn interference(setting: &Setting) -> Section {
    let tries = setting.rounds(200_000, 20_000);
    let title = format!(
        "{tries} tries at a free lock while another process looks at it: how many find it busy"
    );
    let mut section = Section::new("interference", title, Unit::Count);
    for (name, look) in [
        ("nobody looks", None),
        ("runward-lock list", Some("list")),
        ("runward-lock peek", Some("peek")),
        ("open + flock + close", Some("probe")),
    ] {
        let outcome = match disturbed(setting, tries, look) {
            Ok(disturbed) => counted(disturbed, tries),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        section.row(name, outcome);
    }
    for name in ["runward-lock list", "runward-lock peek"] {
        if let Some(found) = section.summary(name) {
            section.target(format!("tries disturbed by {name}"), found.median, 0.0);
        }
    }
    section
}

fn counted(disturbed: u32, tries: usize) -> Outcome {
    let mut samples = Samples::default();
    samples.push(f64::from(disturbed));
    match samples.summary() {
        Some(summary) => Outcome::Measured(summary, format!("of {tries}")),
        None => Outcome::Missing("nothing was counted".into()),
    }
}

fn disturbed(setting: &Setting, tries: usize, look: Option<&str>) -> Result<u32> {
    let dir = setting.scratch().join("interference");
    let mut is_free = ours::tries(&dir, "bench")?;
    is_free()?;
    let _looker = look
        .map(|look| Other::start(setting, looker(&dir, look)?))
        .transpose()?;
    let mut busy = 0;
    for _ in 0..tries {
        if !is_free()? {
            busy += 1;
        }
    }
    Ok(busy)
}

fn looker(dir: &Path, look: &str) -> Result<Vec<std::ffi::OsString>> {
    let target = match look {
        "probe" => lock_file(dir)?,
        _ => dir.to_owned(),
    };
    let mut args = vec![look.into(), target.into_os_string()];
    if look == "peek" {
        args.push("bench".into());
    }
    Ok(args)
}

/// The file of the only lock here.
fn lock_file(dir: &Path) -> Result<PathBuf> {
    let of_lock = |path: &PathBuf| path.file_name().is_some_and(|name| name == "bench");
    let found = names(dir)?.into_iter().find(of_lock);
    found.ok_or_else(|| format!("no lock file in {}", dir.display()).into())
}
