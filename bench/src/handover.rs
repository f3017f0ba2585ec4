//! A holder is killed: how long until the one who waits has the lock.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Result;
use crate::other::Other;
use crate::ours;
use crate::python::Python;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

const RAW: &str = "blocked flock(2)";

/// From the word that a waiter is about to wait until it does. Waiters say it right before they block.
const SETTLE: Duration = Duration::from_millis(10);
/// Who polls is found at any moment between two looks.
const PHASES: u64 = 50;

/// One hand-over, in ns.
type Round<'a> = Box<dyn FnMut(Duration) -> Result<f64> + 'a>;

pub(crate) fn section(setting: &Setting) -> Section {
    let title = "The holder is killed: until the waiter has the lock";
    let mut section = Section::new("handover", title, Unit::Nanoseconds);
    let mut contenders = contenders(setting);
    let mut samples = vec![Samples::default(); contenders.len()];
    for round in 0..setting.rounds(200, 10) {
        for turn in order(round, contenders.len()) {
            let (_, contender) = &mut contenders[turn];
            let Ok(run) = contender else { continue };
            match run(settle(round)) {
                Ok(took) => samples[turn].push(took),
                Err(error) => *contender = Err(error),
            }
        }
    }
    for ((name, contender), samples) in contenders.into_iter().zip(samples) {
        section.row(name, outcome(contender, &samples));
    }
    section.target_ratio(ours::ACQUIRE, RAW, 2.0);
    section.note("The holder is a process of a few hundred KiB; one with gigabytes takes longer to die, whoever waits.");
    section
}

/// Over the rounds, each phase comes as often as any other.
fn settle(round: usize) -> Duration {
    SETTLE + Duration::from_millis(round as u64 * 7 % PHASES)
}

fn outcome(contender: Result<Round<'_>>, samples: &Samples) -> Outcome {
    match (contender, samples.summary()) {
        (Err(reason), _) => Outcome::Failed(reason.to_string()),
        (Ok(_), None) => Outcome::Missing("no round was run".into()),
        (Ok(_), Some(summary)) => Outcome::Measured(summary, String::new()),
    }
}

fn contenders(setting: &Setting) -> Vec<(&'static str, Result<Round<'_>>)> {
    let raw = setting.scratch().join("handover.lock");
    let polled = setting.scratch().join("handover-python.lock");
    let folder = setting.scratch().join("handover");
    let python = Python::start(setting, &polled).map(|mut python| -> Round<'_> {
        Box::new(move |settle| with_python(setting, &mut python, &polled, settle))
    });
    vec![
        (
            RAW,
            Ok(Box::new(move |settle| with_flock(setting, &raw, settle))),
        ),
        (
            ours::ACQUIRE,
            Ok(Box::new(move |settle| with_ours(setting, &folder, settle))),
        ),
        ("Python filelock", python),
    ]
}

fn with_flock(setting: &Setting, path: &Path, settle: Duration) -> Result<f64> {
    let holder = Other::start(setting, ["hold-flock".as_ref(), path.as_os_str()])?;
    let path = path.to_owned();
    killed(holder, settle, move |waiting| {
        let file = File::open(path)?;
        waiting.send(())?;
        file.lock()?;
        Ok(monotonic_ns())
    })
}

fn with_ours(setting: &Setting, folder: &Path, settle: Duration) -> Result<f64> {
    let holder = Other::start(
        setting,
        ["hold".as_ref(), folder.as_os_str(), "bench".as_ref()],
    )?;
    let folder = folder.to_owned();
    killed(holder, settle, move |waiting| {
        let mut blocked = || {
            let _ = waiting.send(());
        };
        let guard = ours::wait(&folder, "bench", &mut blocked)?;
        let got = monotonic_ns();
        drop(guard);
        Ok(got)
    })
}

/// Kills the holder once the waiter waits; the waiter says when it had the lock.
fn killed(
    mut holder: Other,
    settle: Duration,
    wait: impl FnOnce(Sender<()>) -> Result<f64> + Send + 'static,
) -> Result<f64> {
    let (sender, waiting) = mpsc::channel();
    let waiter = std::thread::spawn(move || wait(sender).map_err(|e| e.to_string()));
    // An error here is the waiter's, which says what is wrong.
    let _ = waiting.recv_timeout(Duration::from_secs(10));
    std::thread::sleep(settle);
    let began = monotonic_ns();
    holder.kill()?;
    match waiter.join() {
        Ok(got) => Ok(got? - began),
        Err(_) => Err("the waiter panicked".into()),
    }
}

fn with_python(
    setting: &Setting,
    python: &mut Python,
    path: &Path,
    settle: Duration,
) -> Result<f64> {
    let mut holder = Other::start(setting, ["hold-flock".as_ref(), path.as_os_str()])?;
    python.order("wait")?;
    std::thread::sleep(settle);
    let began = monotonic_ns();
    holder.kill()?;
    Ok(python.answer()? - began)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "differences of a few seconds are what counts"
)]
fn monotonic_ns() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}
