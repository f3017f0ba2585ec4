//! What came of one drill.
use nix::sys::signal::Signal;
use runward_canary::Stamp;
use runward_canary::engine::Witness;
use runward_canary::rules::Drill;
use serde::Serialize;

use super::stage::Key;
use super::why::Why;

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) drill: String,
    invariant: String,
    kind: String,
    subject: String,
    pub(super) passed: bool,
    /// The name of why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why not; empty if it passed.
    pub(super) why: String,
    pub(super) red_after_cycles: Option<u64>,
    pub(super) green_after_cycles: Option<u64>,
    pub(super) witness: Option<Witness>,
    pub(super) marks: Marks,
}

/// When each step was, in their order.
#[derive(Debug, Default, Serialize)]
pub(super) struct Marks {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provoke: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    still: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    green: Option<Stamp>,
}

/// What is done in a drill; the other two are looks in which nothing had come of it yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Before,
    Provoke,
    Waiting,
    Red,
    Still,
    Revert,
    Mending,
    Green,
}

impl Step {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Provoke => "provoke",
            Self::Waiting => "waiting",
            Self::Red => "red",
            Self::Still => "still",
            Self::Revert => "revert",
            Self::Mending => "mending",
            Self::Green => "green",
        }
    }
}

impl Marks {
    pub(super) fn set(&mut self, step: Step, at: Stamp) {
        let mark = match step {
            Step::Before => &mut self.before,
            Step::Provoke => &mut self.provoke,
            Step::Red => &mut self.red,
            Step::Still => &mut self.still,
            Step::Revert => &mut self.revert,
            Step::Green => &mut self.green,
            Step::Waiting | Step::Mending => return,
        };
        *mark = Some(at);
    }
}

impl Outcome {
    pub(super) fn new(drill: &Drill) -> Self {
        Self {
            drill: drill.name.clone(),
            invariant: drill.invariant.clone(),
            kind: drill.kind.clone(),
            subject: drill.subject.clone(),
            passed: false,
            reason: None,
            why: String::new(),
            red_after_cycles: None,
            green_after_cycles: None,
            witness: None,
            marks: Marks::default(),
        }
    }

    pub(super) fn not_run(drill: &Drill, signal: Option<Signal>) -> Self {
        let why = match signal {
            Some(_) => "the drills were ended before it",
            None => "something is still broken by the one before",
        };
        Self::new(drill).came_to(Err(Why::NotRun(why)))
    }

    pub(super) fn came_to(mut self, done: Result<(), Why>) -> Self {
        self.passed = done.is_ok();
        if let Err(why) = done {
            self.reason = Some(why.name());
            self.why = why.to_string();
        }
        self
    }

    pub(super) fn key(&self) -> Key {
        Key {
            invariant: self.invariant.clone(),
            kind: self.kind.clone(),
            subject: self.subject.clone(),
        }
    }
}
