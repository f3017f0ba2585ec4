use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::Containment;

/// Why a run ended. The first cause counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// The program ended by itself.
    Exited,
    /// A signal that did not come from here ended the program.
    Signaled {
        /// Its number, see `signal(7)`.
        signal: i32,
    },
    /// A signal to the owner asked the run to end.
    Cancelled {
        /// SIGTERM, SIGINT or SIGHUP.
        signal: i32,
        /// Who sent it, where the kernel tells; none from the terminal.
        sender_pid: Option<i32>,
    },
    /// The deadline passed.
    Deadline,
    /// A process above the owner died.
    Ancestor {
        /// The pid that it had.
        #[serde(rename = "ancestor_pid")]
        pid: i32,
    },
    /// The owner was killed; the guardian, or the next run, finished for it.
    OwnerKilled,
    /// The program was never started, or what became of it cannot be known.
    Failed {
        /// What failed.
        reason: String,
        /// The exit code that says so: 125, 126 or 127.
        code: u8,
    },
}

/// How the program itself ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Status {
    pub(crate) fn cause(self) -> Cause {
        match self {
            Status::Code(_) => Cause::Exited,
            Status::Signal(signal) => Cause::Signaled { signal },
        }
    }

    /// The code that a shell would report: the program's own, or 128 and the signal.
    pub fn shell_code(self) -> u8 {
        let code = match self {
            Status::Code(code) => code,
            Status::Signal(signal) => 128 + signal,
        };
        u8::try_from(code & 0xff).unwrap_or(u8::MAX)
    }
}

/// A process, for people to recognise. All but its pid is what `/proc` showed at that moment; what
/// may not be read, as of another user's process, is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Process {
    /// Its pid in this process's pid namespace.
    pub pid: i32,
    /// Its command line, or its name in brackets where it has none.
    pub command: String,
    /// The pid of its parent; for an orphan that is who has adopted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ppid: Option<i32>,
    /// The program file that it executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// How long ago it was started, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// Those of the run's outputs that it keeps open: who reads them to their end waits for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// The TCP ports that it listens on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Of a survivor, what keeps it from dying of SIGKILL: a freezer, a sleep in the kernel, a
    /// tracer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
}

/// A standard output of the run that is a pipe or a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What became of one teardown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeardownReport {
    /// The words of the command.
    pub command: Vec<String>,
    /// Its exit code, 128 and the signal that ended it, or none where only its start is known.
    pub code: Option<u8>,
    /// How long it took.
    pub ms: u64,
    /// The end of what it printed.
    pub output: String,
}

impl TeardownReport {
    /// Whether it is known to have succeeded.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

/// Everything that is known of a run that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "an outcome says whether the run was green"]
pub struct Outcome {
    pub(crate) run_id: String,
    pub(crate) cause: Cause,
    pub(crate) program: Option<Status>,
    pub(crate) started: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) containment: Containment,
    pub(crate) leaks: Vec<Process>,
    pub(crate) survivors: Vec<Process>,
    pub(crate) teardowns: Vec<TeardownReport>,
    pub(crate) teardown_took: Duration,
    pub(crate) finished_by: Finisher,
}

/// Who brought a run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finisher {
    /// The guardian, as always when it lives.
    Guardian,
    /// The owner, as the guardian had been killed.
    Owner,
    /// A later run, as both had been killed.
    Recovery,
}

impl Outcome {
    /// The run's id.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Why it ended.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// How the program ended; none where it never started or nobody was there to see.
    pub fn program(&self) -> Option<Status> {
        self.program
    }

    /// When the guards were armed.
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// When the last teardown was done.
    pub fn ended(&self) -> SystemTime {
        self.ended
    }

    /// How the tree was held.
    pub fn containment(&self) -> Containment {
        self.containment
    }

    /// The processes that the program left when it ended by itself; the first hundred of them.
    pub fn leaks(&self) -> &[Process] {
        &self.leaks
    }

    /// The processes that are still there, the first hundred of them: none, where the tree is
    /// proven empty.
    pub fn survivors(&self) -> &[Process] {
        &self.survivors
    }

    /// What became of each teardown, in order.
    pub fn teardowns(&self) -> &[TeardownReport] {
        &self.teardowns
    }

    /// From the end of the tree to the end of the last teardown.
    pub fn teardown_took(&self) -> Duration {
        self.teardown_took
    }

    /// Who finished.
    pub fn finished_by(&self) -> Finisher {
        self.finished_by
    }

    /// The exit code that says how the run ended: the program's own, 128 + n for a signal that
    /// ended it or cancelled the run, 142 for the deadline, 143 for an ancestor's death, 137 for
    /// a killed owner, 125 to 127 for a program that was not started or not seen to end.
    ///
    /// Leaks, survivors and failed teardowns do not change it: ask [`leaks`](Self::leaks),
    /// [`survivors`](Self::survivors) and [`teardowns`](Self::teardowns).
    pub fn exit_code(&self) -> u8 {
        match &self.cause {
            Cause::Exited | Cause::Signaled { .. } => self.program.map_or(125, Status::shell_code),
            Cause::Cancelled { signal, .. } => Status::Signal(*signal).shell_code(),
            Cause::Deadline => 142,
            Cause::Ancestor { .. } => 143,
            Cause::OwnerKilled => 137,
            Cause::Failed { code, .. } => *code,
        }
    }
}
