//! Taking and releasing a lock that nobody else wants.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::Result;
use crate::contender;
use crate::ours;
use crate::python::Python;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::spawn::{self, Runner};
use crate::stats::Samples;

const TURNS: u32 = 1_000;
const PYTHON_TURNS: u32 = 50;
const STD: &str = "std open + lock + drop";

/// Runs a batch and says how many ns one turn took.
type Batch = Box<dyn FnMut() -> Result<f64>>;

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let memory = tempfile::tempdir_in("/dev/shm");
    let mut sections = Vec::new();
    if let Ok(memory) = &memory {
        sections.push(by_path(setting, memory.path()));
    }
    sections.push(by_path(setting, setting.scratch()));
    sections.push(by_process(setting));
    sections
}

fn by_path(setting: &Setting, folder: &Path) -> Section {
    let filesystem = filesystem(folder);
    let title = format!("Take and release a free lock by its path, on {filesystem}");
    let mut section = Section::new(format!("acquire-{filesystem}"), title, Unit::Nanoseconds);
    let mut batches = batches(setting, folder);
    let mut samples = vec![Samples::default(); batches.len()];
    for round in 0..setting.rounds(200, 10) {
        for turn in order(round, batches.len()) {
            let (_, batch) = &mut batches[turn];
            let Ok(run) = batch else { continue };
            match run() {
                Ok(took) => samples[turn].push(took),
                Err(error) => *batch = Err(error),
            }
        }
    }
    for ((name, batch), samples) in batches.into_iter().zip(samples) {
        section.row(name, outcome(batch, &samples));
    }
    if filesystem == "tmpfs" {
        section.target_ratio(ours::ACQUIRE, STD, 2.8);
    }
    section.note(format!(
        "n is batches of {TURNS} turns ({PYTHON_TURNS} for Python), each the mean of its turns."
    ));
    section.note("Only runward-lock makes sure that the file is still the one at the path, and records the holder.");
    section
}

fn outcome(batch: Result<Batch>, samples: &Samples) -> Outcome {
    match (batch, samples.summary()) {
        (Err(reason), _) => Outcome::Missing(reason.to_string()),
        (Ok(_), None) => Outcome::Missing("no batch was run".into()),
        (Ok(_), Some(summary)) => Outcome::Measured(summary, String::new()),
    }
}

fn batches(setting: &Setting, folder: &Path) -> Vec<(&'static str, Result<Batch>)> {
    let file = |name: &str| folder.join(name);
    vec![
        (STD, Ok(looped(file("std.lock"), with_std))),
        (
            ours::ACQUIRE,
            ours::turns(&file("ours")).map(looped_closure),
        ),
        (
            "fs4 open + lock + drop",
            Ok(looped(file("fs4.lock"), with_fs4)),
        ),
        (
            "fd-lock open + write + drop",
            Ok(looped(file("fd-lock.lock"), with_fd_lock)),
        ),
        ("Python filelock", python(setting, &file("filelock.lock"))),
    ]
}

fn looped(path: PathBuf, turn: fn(&Path) -> Result) -> Batch {
    looped_closure(Box::new(move || turn(&path)))
}

fn looped_closure(mut turn: Box<dyn FnMut() -> Result>) -> Batch {
    Box::new(move || {
        let began = Instant::now();
        for _ in 0..TURNS {
            turn()?;
        }
        Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS))
    })
}

/// The usual way: the file is there after the first turn and is never truncated.
fn open(path: &Path) -> Result<File> {
    Ok(File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?)
}

fn with_std(path: &Path) -> Result {
    open(path)?.lock()?;
    Ok(())
}

fn with_fs4(path: &Path) -> Result {
    fs4::FileExt::lock(&open(path)?)?;
    Ok(())
}

fn with_fd_lock(path: &Path) -> Result {
    let mut lock = fd_lock::RwLock::new(open(path)?);
    drop(lock.write()?);
    Ok(())
}

fn python(setting: &Setting, path: &Path) -> Result<Batch> {
    let mut python = Python::start(setting, path)?;
    Ok(Box::new(move || {
        Ok(python.batch(PYTHON_TURNS)? / f64::from(PYTHON_TURNS))
    }))
}

/// The same for scripts: a process that takes a lock around a program that does nothing.
fn by_process(setting: &Setting) -> Section {
    let title = "Take and release a free lock around a program that does nothing";
    let mut section = Section::new("acquire-process", title, Unit::Nanoseconds);
    let nop = setting.helper("bench-nop");
    let wrapped = |name: &str, program: &str, args: &[&str]| Runner {
        name: name.into(),
        command: setting.program(program).map(|program| {
            let mut command = contender::quiet(&program);
            command.args(args).arg(&nop);
            command
        }),
    };
    let runners = vec![
        spawn::direct(setting),
        wrapped(
            "runward run --app",
            "runward",
            &["run", "--app", "bench", "--"],
        ),
        wrapped("flock(1)", "flock", &["script.lock"]),
        wrapped("flock(1) without a fork", "flock", &["-F", "script.lock"]),
    ];
    spawn::measure(&mut section, runners, setting.rounds(200, 20));
    section
}

fn filesystem(folder: &Path) -> String {
    match rustix::fs::statfs(folder).map(|facts| facts.f_type) {
        Ok(0x0102_1994) => "tmpfs".into(),
        Ok(0xEF53) => "ext4".into(),
        Ok(0x5846_5342) => "xfs".into(),
        Ok(0x9123_683E) => "btrfs".into(),
        Ok(0x794C_7630) => "overlayfs".into(),
        Ok(other) => format!("filesystem {other:#x}"),
        Err(error) => error.to_string(),
    }
}
