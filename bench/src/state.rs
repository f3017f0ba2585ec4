//! Building a state directory: with many recipes staged, beside a copy of them; and with none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use runward_abradir::{Doomed, Layout, Request, Root};

use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

const COPY: &str = "cp -a --reflink=auto";
const STAGED: &str = "runward-abradir, staged";
const EMPTY: &str = "runward-abradir, nothing staged";
const RECIPES: usize = 50;
const MILLISECOND: f64 = 1e6;

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let memory = tempfile::tempdir_in("/dev/shm");
    let mut sections = Vec::new();
    if let Ok(memory) = &memory {
        sections.push(staged(setting, "tmpfs", memory.path()));
    }
    sections.push(staged(setting, "disk", setting.scratch()));
    sections.push(empty(setting));
    sections
}

fn staged(setting: &Setting, medium: &str, folder: &Path) -> Section {
    let title = format!("A state directory with {RECIPES} recipes staged, on {medium}");
    let mut section = Section::new(format!("state-staged-{medium}"), title, Unit::Nanoseconds);
    if let Err(error) = stage(setting, folder, &mut section) {
        section.row(STAGED, Outcome::Failed(error.to_string()));
    }
    section.target_ratio(STAGED, COPY, 1.2);
    section
}

fn empty(setting: &Setting) -> Section {
    let title = "A state directory with nothing staged";
    let mut empty = Section::new("state-empty", title, Unit::Nanoseconds);
    if let Err(error) = create(setting, &mut empty) {
        empty.row(EMPTY, Outcome::Failed(error.to_string()));
    }
    if let Some(summary) = empty.summary(EMPTY) {
        empty.target("median in ms", summary.median / MILLISECOND, 2.0);
    }
    empty
}

fn stage(setting: &Setting, folder: &Path, section: &mut Section) -> Result {
    let source = recipes(&folder.join("canonical"))?;
    let root = root(folder)?;
    let copies = folder.join("copies");
    let mut samples = [Samples::default(), Samples::default()];
    for round in 0..setting.rounds(10, 3) {
        for turn in order(round, 2) {
            let took = match turn {
                0 => copied(&source, &copies)?,
                _ => built(&root, &source, &["recipes"])?,
            };
            samples[turn].push(took);
        }
    }
    for (name, samples) in [COPY, STAGED].into_iter().zip(samples) {
        let summary = samples.summary().ok_or("no round was run")?;
        section.row(name, Outcome::Measured(summary, String::new()));
    }
    section.note("What was made is removed outside the measured time.");
    Ok(())
}

fn create(setting: &Setting, section: &mut Section) -> Result {
    let root = root(setting.scratch())?;
    let source = setting.scratch().join("nothing");
    let mut samples = Samples::default();
    for _ in 0..setting.rounds(500, 50) {
        samples.push(built(&root, &source, &[])?);
    }
    let summary = samples.summary().ok_or("no round was run")?;
    section.row(EMPTY, Outcome::Measured(summary, String::new()));
    Ok(())
}

fn root(folder: &Path) -> Result<Root> {
    Ok(Root::open(folder.join("state"), &Doomed::new())?)
}

fn built(root: &Root, source: &Path, staged: &[&str]) -> Result<f64> {
    let layout = Layout::abra();
    let request = Request::new(&layout, "bench").source(source);
    let request = staged
        .iter()
        .fold(request, |request, path| request.stage(*path));
    let began = Instant::now();
    let state = root.build(&request)?;
    let took = began.elapsed().as_secs_f64() * 1e9;
    state.close()?;
    Ok(took)
}

fn copied(source: &Path, copies: &Path) -> Result<f64> {
    fs::create_dir_all(copies)?;
    let mut command = Command::new("cp");
    command.args(["-a", "--reflink=auto"]);
    command.arg(source.join("recipes")).arg(copies);
    let began = Instant::now();
    let status = command.status()?;
    let took = began.elapsed().as_secs_f64() * 1e9;
    fs::remove_dir_all(copies)?;
    status
        .success()
        .then_some(took)
        .ok_or_else(|| "cp failed".into())
}

/// Checkouts as they are fetched: a few settings, and a repository of loose objects and one pack.
fn recipes(top: &Path) -> Result<PathBuf> {
    for number in 0..RECIPES {
        let recipe = top.join(format!("recipes/recipe-{number}"));
        for (name, size) in [
            ("compose.yml", 2_000),
            ("README.md", 5_000),
            ("abra.sh", 300),
            (".env.sample", 900),
        ] {
            put(&recipe.join(name), size)?;
        }
        put(&recipe.join(".git/objects/pack/pack-1.pack"), 200_000)?;
        for name in ["HEAD", "config", "index", "packed-refs", "logs/HEAD"] {
            put(&recipe.join(".git").join(name), 400)?;
        }
        for object in 0..40 {
            let name = format!(".git/objects/{object:02x}/{object:038x}");
            put(&recipe.join(name), 100 + object * 60)?;
        }
    }
    Ok(top.to_owned())
}

fn put(path: &Path, size: usize) -> Result {
    fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
    Ok(fs::write(path, vec![b'x'; size])?)
}
