//! From the outcome of a lifetime to exit code, record and last line.
use runward_lifetime::{Cause, Leaks, Outcome, Process, Status, TeardownReport};

use super::note::Note;
use super::seal::Finding;
use crate::exit::{self, Findings};
use crate::record::{self, Record, timestamp};
use crate::summary::Summary;

pub(crate) fn exit_code(outcome: &Outcome, leaks: Leaks, finding: Option<&Finding>) -> u8 {
    let torn_down = outcome.teardowns().iter().all(TeardownReport::succeeded);
    let leaked = leaks == Leaks::Fail && !outcome.leaks().is_empty();
    let unclean = leaked || !torn_down || !outcome.survivors().is_empty();
    exit::merge(
        outcome.exit_code(),
        Findings {
            unclean,
            ..finding.map(Finding::findings).unwrap_or_default()
        },
    )
}

pub(crate) fn record(outcome: &Outcome, note: &Note, finding: Option<&Finding>) -> Record {
    let cause = cause(outcome.cause(), note.busy);
    let exit = exit_code(outcome, note.leaks(), finding);
    let empty = Record::new(outcome.run_id(), &note.argv, cause, exit, outcome.started());
    Record {
        apps: note.apps.clone(),
        program: outcome.program().map(program),
        ended: timestamp(outcome.ended()),
        containment: if note.started {
            outcome.containment().to_string()
        } else {
            empty.containment.clone()
        },
        leaks: processes(outcome.leaks()),
        survivors: processes(outcome.survivors()),
        teardowns: outcome.teardowns().iter().map(teardown).collect(),
        verdict: finding.and_then(|finding| finding.verdict.clone()),
        evidence: finding.map(|finding| record::Evidence {
            dir: finding.dir.clone(),
            why: finding.why.clone(),
        }),
        ..empty
    }
}

pub(crate) fn summary(outcome: &Outcome, leaks: Leaks, finding: Option<&Finding>) -> Summary {
    Summary {
        cause: describe(outcome.cause()),
        exit: exit_code(outcome, leaks, finding),
        teardown: outcome
            .teardowns()
            .iter()
            .map(|t| std::time::Duration::from_millis(t.ms))
            .sum(),
        survivors: outcome.survivors().len(),
        containment: outcome.containment().to_string(),
    }
}

/// The cause in a few words, beginning with its kind.
pub(crate) fn describe(cause: &Cause) -> String {
    match cause {
        Cause::Exited => "exited".into(),
        Cause::Signaled { signal } => format!("signaled by {}", signal_name(*signal)),
        Cause::Cancelled {
            signal,
            sender_pid: None,
        } => format!("cancelled by {}", signal_name(*signal)),
        Cause::Cancelled {
            signal,
            sender_pid: Some(pid),
        } => format!("cancelled by {} from pid {pid}", signal_name(*signal)),
        Cause::Deadline => "deadline".into(),
        Cause::Ancestor { pid } => format!("ancestor {pid} died"),
        Cause::OwnerKilled => "owner-killed".into(),
        _ => "failed".into(),
    }
}

fn cause(cause: &Cause, busy: bool) -> record::Cause {
    let of = |kind| record::Cause {
        kind,
        ..record::Cause::default()
    };
    match cause {
        Cause::Exited => of("exited"),
        Cause::Signaled { signal } => record::Cause {
            signal: Some(*signal),
            ..of("signaled")
        },
        Cause::Cancelled { signal, sender_pid } => record::Cause {
            signal: Some(*signal),
            sender_pid: *sender_pid,
            ..of("cancelled")
        },
        Cause::Deadline => of("deadline"),
        Cause::Ancestor { pid } => record::Cause {
            ancestor_pid: Some(*pid),
            ..of("ancestor")
        },
        Cause::OwnerKilled => of("owner-killed"),
        Cause::Failed { reason, .. } => record::Cause {
            message: Some(reason.clone()),
            ..of(if busy { "busy" } else { "failed" })
        },
        _ => of("failed"),
    }
}

fn program(status: Status) -> record::Program {
    match status {
        Status::Code(code) => record::Program::Code(code),
        Status::Signal(signal) => record::Program::Signal(signal),
    }
}

fn processes(all: &[Process]) -> Vec<record::Process> {
    all.iter()
        .map(|one| record::Process {
            pid: one.pid,
            command: one.command.clone(),
            ppid: one.ppid,
            exe: one.exe.clone(),
            age_ms: one.age_ms,
            outputs: one.outputs.clone(),
            ports: one.ports.clone(),
            stuck: one.stuck.clone(),
        })
        .collect()
}

fn teardown(report: &TeardownReport) -> record::Teardown {
    record::Teardown {
        command: shell_words::join(&report.command),
        code: report.code.map(i32::from),
        ms: report.ms,
    }
}

/// As `kill -l` names it.
pub(crate) fn signal_name(number: i32) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let name = usize::try_from(number - 1)
        .ok()
        .and_then(|index| NAMES.get(index));
    name.map_or_else(|| format!("signal {number}"), |name| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_names() {
        assert_eq!(
            [
                signal_name(1),
                signal_name(9),
                signal_name(15),
                signal_name(31)
            ],
            ["SIGHUP", "SIGKILL", "SIGTERM", "SIGSYS"]
        );
        assert_eq!([signal_name(0), signal_name(34)], ["signal 0", "signal 34"]);
    }

    #[test]
    fn a_cause_begins_with_its_kind() {
        for (of, busy) in [
            (Cause::Exited, false),
            (Cause::Signaled { signal: 9 }, false),
            (
                Cause::Cancelled {
                    signal: 15,
                    sender_pid: Some(7),
                },
                false,
            ),
            (Cause::Deadline, false),
            (Cause::Ancestor { pid: 4 }, false),
            (Cause::OwnerKilled, false),
            (
                Cause::Failed {
                    reason: "x".into(),
                    code: 127,
                },
                false,
            ),
        ] {
            let recorded = cause(&of, busy);
            assert!(describe(&of).starts_with(recorded.kind), "{of:?}");
        }
        assert_eq!(
            cause(
                &Cause::Failed {
                    reason: "x".into(),
                    code: 120
                },
                true
            )
            .kind,
            "busy"
        );
    }
}
