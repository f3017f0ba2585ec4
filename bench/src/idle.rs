//! How often a wrapper wakes up while there is nothing to do: context switches of all its processes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::contender::{
    self, LINUX_SANDBOX, PROCESS_WRAPPER, PROCESSKIT, RUNWARD, Shape, TIMEOUT, TINI,
};
use crate::report::{Outcome, Section, Unit};
use crate::running::{Running, heard, settle};
use crate::setting::Setting;
use crate::stats::Samples;

const SLEEPS: &str = "runward run, program sleeps";
const WAITS: &str = "runward run --app, waits";

const WATCHED: Duration = Duration::from_secs(10);

/// Somebody who should be doing nothing.
struct Sleeper {
    name: String,
    running: Result<Running>,
}

pub(crate) fn section(setting: &Setting) -> Section {
    let title = format!(
        "Context switches of the wrapper's own processes in {} s of nothing to do",
        WATCHED.as_secs()
    );
    let mut section = Section::new("idle", title, Unit::Count);
    let busy = setting.scratch().join("busy.lock");
    let holder = File::create(&busy).and_then(|file| file.lock().map(|()| file));
    let mut sleepers = runs(setting);
    // The holder of the app that the waiter waits for; it sleeps as well and is watched above.
    let _owner = start_owner(setting);
    sleepers.extend(waits(setting, &busy));
    watch(&mut section, sleepers);
    drop(holder);
    for sleeper in [SLEEPS, WAITS] {
        if let Some(found) = section.summary(sleeper) {
            section.target(format!("switches of `{sleeper}`"), found.median, 2.0);
        }
    }
    section
        .note("A switch or two is what looking at them costs; polling shows as tens to thousands.");
    section
}

/// Wrappers whose program waits.
fn runs(setting: &Setting) -> Vec<Sleeper> {
    let shapes = [
        RUNWARD,
        TINI,
        TIMEOUT,
        PROCESS_WRAPPER,
        LINUX_SANDBOX,
        PROCESSKIT,
    ];
    let run = |(number, shape): (usize, Shape)| Sleeper {
        name: format!("{}, program sleeps", shape.name),
        running: start_run(setting, &shape, &format!("run{number}")),
    };
    shapes.into_iter().enumerate().map(run).collect()
}

fn start_run(setting: &Setting, shape: &Shape, name: &str) -> Result<Running> {
    let contender = shape.find(setting)?;
    let command = heard(contender.around([setting.helper("bench-idle")]));
    let mut running = Running::start(setting, command, name)?;
    running.wait_ready()?;
    Ok(running)
}

fn start_owner(setting: &Setting) -> Result<Running> {
    let program = setting.program("runward")?;
    let mut command = contender::quiet(&program);
    command
        .args(["run", "--app", "bench", "--"])
        .arg(setting.helper("bench-idle"));
    let mut running = Running::start(setting, heard(command), "owner")?;
    running.wait_ready()?;
    Ok(running)
}

/// Waiters for a lock that is held all the time.
fn waits(setting: &Setting, busy: &std::path::Path) -> Vec<Sleeper> {
    let nop = setting.helper("bench-nop").into_os_string();
    let text = |word: &str| OsString::from(word);
    let python = "import sys, filelock; filelock.FileLock(sys.argv[1]).acquire()";
    let waiters = [
        (
            WAITS,
            "runward",
            vec![
                text("run"),
                text("--app"),
                text("bench"),
                text("--"),
                nop.clone(),
            ],
        ),
        ("flock(1), waits", "flock", vec![busy.into(), nop]),
        (
            "Python filelock, waits",
            "filelock",
            vec![text("-c"), text(python), busy.into()],
        ),
    ];
    let wait = |(name, program, args): (&str, &str, Vec<OsString>)| Sleeper {
        name: name.into(),
        running: start_wait(setting, program, &args),
    };
    waiters.into_iter().map(wait).collect()
}

fn start_wait(setting: &Setting, program: &str, args: &[OsString]) -> Result<Running> {
    let program = setting.program(program)?;
    let mut command: Command = contender::quiet(&program);
    command.args(args);
    let name = format!(
        "wait-{}",
        program.path.file_name().unwrap_or_default().display()
    );
    Running::start(setting, command, &name)
}

/// All at once: they do nothing, so they cannot be in each other's way.
fn watch(section: &mut Section, mut sleepers: Vec<Sleeper>) {
    settle();
    settle();
    let before: Vec<_> = sleepers.iter().map(switches).collect();
    std::thread::sleep(WATCHED);
    for (sleeper, before) in sleepers.iter_mut().zip(before) {
        let after = switches(sleeper);
        let outcome = match &mut sleeper.running {
            Err(reason) => Outcome::Missing(reason.to_string()),
            Ok(running) => outcome(running, (after - before).max(0.0)),
        };
        section.row(sleeper.name.clone(), outcome);
    }
}

fn outcome(running: &mut Running, switches: f64) -> Outcome {
    if !running.is_alive().unwrap_or(false) {
        return Outcome::Missing("it ended, and should have waited".into());
    }
    let mut samples = Samples::default();
    samples.push(switches);
    let remark = format!("{} processes", running.own().len());
    match samples.summary() {
        Some(summary) => Outcome::Measured(summary, remark),
        None => Outcome::Missing("nothing was counted".into()),
    }
}

fn switches(sleeper: &Sleeper) -> f64 {
    match &sleeper.running {
        Ok(running) => running.own().iter().map(|pid| process_switches(*pid)).sum(),
        Err(_) => 0.0,
    }
}

fn process_switches(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let status = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    status.map(|status| thread_switches(&status)).sum()
}

fn thread_switches(status: &str) -> f64 {
    let fields = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
    let value = |field| {
        let rest = status
            .lines()
            .find_map(|line: &str| line.strip_prefix(field))?;
        rest.trim().parse::<f64>().ok()
    };
    fields.into_iter().filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::thread_switches;

    #[test]
    fn both_kinds_of_switches_count() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n";
        assert_eq!(thread_switches(status).to_bits(), 12f64.to_bits());
    }
}
