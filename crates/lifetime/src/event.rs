use serde::{Deserialize, Serialize};

use crate::{Cause, Containment, Process, TeardownReport};

/// Something worth a line, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The program runs.
    Started {
        /// Its pid.
        pid: i32,
        /// How its tree is held.
        containment: Containment,
    },
    /// The program ended; others of its tree may live.
    ProgramEnded {
        /// Its exit code, or 128 and the signal that ended it.
        code: u8,
    },
    /// The run is cancelled: the program was asked to end.
    Cancelling {
        /// Why.
        cause: Cause,
    },
    /// The rest of the tree was asked to end, too.
    AskedTree,
    /// The program ended by itself and left processes.
    Leaks {
        /// The first hundred of them.
        processes: Vec<Process>,
        /// How many there are.
        total: usize,
    },
    /// The tree was killed.
    Killed,
    /// The tree is proven empty.
    Empty,
    /// The tree was killed and these are still there.
    Survivors {
        /// The first hundred of them.
        processes: Vec<Process>,
    },
    /// A teardown begins.
    Teardown {
        /// Its place in the order, from 0.
        index: usize,
        /// Its words.
        command: Vec<String>,
    },
    /// A teardown has ended.
    TornDown {
        /// What became of it.
        report: TeardownReport,
    },
    /// A signal came that changes nothing: the run is ending already.
    Ignored {
        /// Its number.
        signal: i32,
        /// How many more of them kill at once what is left of the work; none where nothing is.
        more: Option<u32>,
    },
    /// The guardian was killed; the owner holds the tree now.
    GuardianLost,
    /// All is done but for the lock, which is released next.
    Finished {
        /// The exit code that the cause stands for.
        exit: u8,
    },
}
