//! A janitor that finds nothing to do: what a look at everything costs beside listing it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use runward_janitor::{Allow, Directories, Janitor, Policy};
use runward_lock::{LockDir, Name};

use crate::Result;
use crate::other::Other;
use crate::ours;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

const READDIR: &str = "readdir of both";
const SWEEP: &str = "runward-janitor";
/// The kernel lets nobody read it before an RCU grace period is over, whatever the number of locks.
const TABLE: &str = "readdir of both and /proc/locks";
const EACH: &str = "open + flock + close for each";
const OBJECTS: usize = 10_000;
const LIVE: usize = 50;

/// A look at all that there is.
type Look = fn(&Path) -> Result;

const LOOKS: &[(&str, Look)] = &[
    (READDIR, list),
    (TABLE, list_and_read),
    (SWEEP, sweep),
    (EACH, probe_each),
];

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let title = format!(
        "A sweep over {OBJECTS} directories and {OBJECTS} lock files, {LIVE} of them of live runs, that finds nothing to do"
    );
    let mut time = Section::new("sweep", title, Unit::Nanoseconds);
    let title = format!("Memory of a process that has swept {OBJECTS} directories (peak RSS)");
    let mut memory = Section::new("sweep-memory", title, Unit::KiB);
    if let Err(error) = measure(setting, &mut time, &mut memory) {
        time.row(SWEEP, Outcome::Failed(error.to_string()));
    }
    time.target_ratio(SWEEP, READDIR, 3.0);
    time.target_ratio(SWEEP, TABLE, 3.0);
    if let Some(found) = memory.summary(SWEEP) {
        memory.target("peak RSS in MiB", found.median / 1024.0, 20.0);
    }
    vec![time, memory]
}

fn measure(setting: &Setting, time: &mut Section, memory: &mut Section) -> Result {
    let root = setting.scratch().join("sweep");
    for number in 0..OBJECTS {
        fs::create_dir_all(root.join("state").join(name(number)))?;
    }
    ours::leave(&root.join("locks"), (0..OBJECTS).map(name))?;
    let mut args = vec!["hold".into(), root.join("locks").into_os_string()];
    args.extend((0..LIVE).map(|number| name(number).into()));
    let _holder = Other::start(setting, args)?;
    let mut samples = vec![Samples::default(); LOOKS.len()];
    for round in 0..setting.rounds(15, 3) {
        for turn in order(round, LOOKS.len()) {
            let began = Instant::now();
            LOOKS[turn].1(&root)?;
            samples[turn].push(began.elapsed().as_secs_f64() * 1e9);
        }
    }
    for ((name, _), samples) in LOOKS.iter().zip(samples) {
        let summary = samples.summary().ok_or("no round was run")?;
        time.row(*name, Outcome::Measured(summary, String::new()));
    }
    let sweeper = Other::start(setting, ["sweep".as_ref(), root.as_os_str()])?;
    let mut peak = Samples::default();
    peak.push(sweeper.peak_kib()?);
    let summary = peak.summary().ok_or("nothing was measured")?;
    memory.row(SWEEP, Outcome::Measured(summary, String::new()));
    Ok(())
}

/// Runs that live have names that may be swept; the others are somebody else's.
fn name(number: usize) -> String {
    let whose = if number < LIVE { "run" } else { "other" };
    format!("{whose}-{number}")
}

fn list(root: &Path) -> Result {
    for part in ["state", "locks"] {
        for entry in fs::read_dir(root.join(part))? {
            let _ = entry?.path();
        }
    }
    Ok(())
}

fn list_and_read(root: &Path) -> Result {
    fs::read_to_string("/proc/locks")?;
    list(root)
}

/// The same as bench-lock does for its memory.
fn sweep(root: &Path) -> Result {
    let locks = LockDir::open(root.join("locks"))?;
    let policy = Policy::new(Allow::patterns(["run-[0-9]+"])?);
    let owner = |entry: &str| Name::new(entry).ok();
    let janitor = Janitor::new(&locks, policy, root.join("home"));
    let state = Directories::new("state", root.join("state"), owner);
    let (plan, report) = janitor.sweep(state).run()?;
    let found = (plan.rows().len(), plan.reaps().count(), report.is_clean());
    match found {
        // The epoch of the lock directory is no lock.
        (rows, 0, true) if rows == 2 * OBJECTS => Ok(()),
        _ => Err(format!("rows, reaps, clean: {found:?}").into()),
    }
}

/// What a janitor in a script does: it takes the lock of each object for a moment.
fn probe_each(root: &Path) -> Result {
    for entry in fs::read_dir(root.join("state"))? {
        let file = fs::File::open(root.join("locks").join(entry?.file_name()))?;
        let _ = file.try_lock();
    }
    Ok(())
}
