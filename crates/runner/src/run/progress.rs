//! What people see on stderr while a run goes on.
use std::time::Duration;

use runward_lifetime::{Cause, Event, Process, TeardownReport};

use super::outcome::{describe, signal_name};
use crate::duration::{Span, human};
use crate::plan::Plan;
use crate::reserve::Reserve;
use crate::settings::Leaks;
use crate::terminal::{self, printable};

/// Those who watch, and what of the plan they are told.
pub(super) struct People {
    grace: Span,
    leaks: Leaks,
    /// Where a deadline comes from that nobody has asked for.
    derived: Option<String>,
}

impl People {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            grace: plan.grace,
            leaks: plan.leaks,
            derived: plan.reserve.as_ref().and_then(Reserve::told),
        }
    }

    /// A line for each event that people want to know of.
    pub(super) fn show(&self, event: &Event) {
        match event {
            Event::Cancelling { cause } => self.cancelling(cause),
            Event::Leaks { processes, total } => self.leaked(processes, *total),
            Event::Survivors { processes } => {
                terminal::say(format_args!("killed, and still there: {}", list(processes)));
            }
            Event::Teardown { command, .. } => {
                terminal::say(format_args!("teardown: {}", words(command)));
            }
            Event::TornDown { report } => torn_down(report),
            Event::Ignored { signal, more } => ignored(*signal, *more),
            Event::Killed => terminal::say("what is left of the work is killed"),
            Event::GuardianLost => {
                terminal::say("the guardian was killed; its work goes on here");
            }
            _ => {}
        }
    }

    fn cancelling(&self, cause: &Cause) {
        let grace = self.grace;
        let derived = self
            .derived
            .as_ref()
            .filter(|_| *cause == Cause::Deadline)
            .map_or_else(String::new, |why| format!(" ({why})"));
        terminal::say(format_args!(
            "{}{derived}; the work has {grace} to end",
            describe(cause)
        ));
    }

    fn leaked(&self, processes: &[Process], total: usize) {
        let fate = if self.leaks == Leaks::Allow {
            "left alone"
        } else {
            "ended now"
        };
        let noun = if total == 1 { "process" } else { "processes" };
        terminal::say(format_args!(
            "the program left {total} {noun}, {fate}: {}",
            list(processes)
        ));
    }
}

fn ignored(signal: i32, more: Option<u32>) {
    let why = match more {
        None => "the run is cleaning up".to_owned(),
        Some(1) => "the work has been asked to end; one more kills it at once".to_owned(),
        Some(more) => format!("the work is ending; {more} more kill it at once"),
    };
    terminal::say(format_args!(
        "{} changes nothing: {why}",
        signal_name(signal)
    ));
}

fn torn_down(report: &TeardownReport) {
    terminal::raw(&ended_line(&report.output));
    if !report.succeeded() {
        let how = report.code.map_or_else(
            || "was cut short".into(),
            |code| format!("failed with {code}"),
        );
        let took = human(Duration::from_millis(report.ms));
        terminal::say(format_args!(
            "teardown {how} after {took}: {}",
            words(&report.command)
        ));
    }
}

fn ended_line(text: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{text}{end}")
}

fn list(processes: &[Process]) -> String {
    let shown: Vec<String> = processes.iter().take(10).map(named).collect();
    let more = if processes.len() > shown.len() {
        ", ..."
    } else {
        ""
    };
    shown.join(", ") + more
}

/// What a person needs to recognise it; the record has the rest.
fn named(one: &Process) -> String {
    let age = one.age_ms.map(Duration::from_millis);
    let age = age.map_or_else(String::new, |age| format!(", {} old", human(age)));
    let stuck = one.stuck.as_deref().map(printable);
    let stuck = stuck.map_or_else(String::new, |why| format!(": {why}"));
    format!("{} ({}{age}){stuck}", one.pid, printable(&one.command))
}

fn words(command: &[String]) -> String {
    printable(&shell_words::join(command))
}
