//! What a wrapper costs: from the start of a program that does nothing to its end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::contender::{self, RUNWARD, TIMEOUT, TINI, WRAPPERS};
use crate::report::{Outcome, Section, Unit};
use crate::rivals::Program;
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

/// A command that is measured from its start to its end.
pub(crate) struct Runner {
    pub(crate) name: String,
    pub(crate) command: Result<Command, String>,
}

pub(crate) fn section(setting: &Setting) -> Section {
    let mut section = Section::new(
        "spawn",
        "Start and end of a program that does nothing",
        Unit::Nanoseconds,
    );
    measure(&mut section, runners(setting), setting.rounds(500, 20));
    section.target_ratio(RUNWARD.name, TINI.name, 1.0);
    section.target_ratio(RUNWARD.name, TIMEOUT.name, 1.0);
    section.note("bwrap and linux-sandbox also set up mounts; processkit-cli also writes a log and a registry.");
    section.note("setpriv, tini, dumb-init, catatonit and timeout promise nothing about what the program leaves behind.");
    section
}

fn runners(setting: &Setting) -> Vec<Runner> {
    let nop = setting.helper("bench-nop");
    let wrapped = WRAPPERS.iter().map(|shape| Runner {
        name: shape.name.into(),
        command: shape
            .find(setting)
            .map(|contender| contender.around([&nop])),
    });
    std::iter::once(direct(setting)).chain(wrapped).collect()
}

/// The program that does nothing, without a wrapper.
pub(crate) fn direct(setting: &Setting) -> Runner {
    let program = Program::plain(setting.helper("bench-nop"));
    Runner {
        name: "direct posix_spawn".into(),
        command: Ok(contender::quiet(&program)),
    }
}

/// Measures all in interleaved rounds and adds a row for each.
pub(crate) fn measure(section: &mut Section, mut runners: Vec<Runner>, rounds: usize) {
    runners.iter_mut().for_each(rehearse);
    let mut samples = vec![Samples::default(); runners.len()];
    for round in 0..rounds {
        for turn in order(round, runners.len()) {
            if let Ok(command) = &mut runners[turn].command
                && let Ok(took) = timed(command)
            {
                samples[turn].push(took.as_secs_f64() * 1e9);
            }
        }
    }
    for (runner, samples) in runners.into_iter().zip(samples) {
        let outcome = match (runner.command, samples.summary()) {
            (Err(reason), _) => Outcome::Missing(reason),
            (Ok(_), None) => Outcome::Missing("no round succeeded".into()),
            (Ok(_), Some(summary)) => Outcome::Measured(summary, failures(rounds, summary.count)),
        };
        section.row(runner.name, outcome);
    }
}

fn failures(rounds: usize, succeeded: usize) -> String {
    match rounds - succeeded {
        0 => String::new(),
        failed => format!("{failed} rounds failed"),
    }
}

/// Who does not succeed at the first attempt is not measured.
fn rehearse(runner: &mut Runner) {
    if let Ok(command) = &mut runner.command
        && timed(command).is_err()
    {
        runner.command = Err(why(command));
    }
}

/// Start to end; a program that does not succeed is not a measurement.
fn timed(command: &mut Command) -> Result<Duration, ()> {
    let began = Instant::now();
    let status = command.status().map_err(drop)?;
    let took = began.elapsed();
    if status.success() { Ok(took) } else { Err(()) }
}

/// Once more, to hear what it has to say.
fn why(command: &mut Command) -> String {
    match command.stderr(Stdio::piped()).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("{}: {}", output.status, said.trim())
        }
        Err(error) => error.to_string(),
    }
}
