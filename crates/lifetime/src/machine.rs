//! The cancel state machine: what the holder of a tree does about each thing that happens.
//!
//! Pure: time comes in with each input, actions go out. [`crate::holder`] carries them out.

use std::time::{Duration, Instant};

use crate::{Cause, Leaks, Status};

/// How long a program that ended by itself may leave others to end by themselves.
pub(crate) const LEAK_WINDOW: Duration = Duration::from_millis(100);
/// How long what is left after the window has between SIGTERM and SIGKILL.
pub(crate) const LEAK_GRACE: Duration = Duration::from_millis(200);
/// How long a killed tree has to be gone before what is left counts as survivors.
pub(crate) const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// The signal that counts as "now".
const SIGNALS_TO_KILL: u32 = 3;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The owner got a signal that asks the run to end.
    Signal {
        signal: i32,
        sender: Option<i32>,
    },
    /// A process above the owner died.
    Ancestor {
        pid: i32,
    },
    /// The owner itself died.
    OwnerGone,
    /// The program ended.
    MainEnded(Status),
    /// The program is gone, and its status with whoever reaped it.
    MainLost,
    /// The tree is proven empty.
    Empty,
    /// Some of the tree have died.
    Deaths,
    /// The timer of [`Machine::timer`] is due.
    Tick,
    /// The owner was stopped from its terminal, and continued.
    Pause,
    Resume,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask the program to end: SIGTERM, SIGCONT.
    AskMain,
    /// Ask every process of the tree.
    AskTree,
    /// Note which processes the program has left.
    NameLeaks,
    /// Kill the tree.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// Asked to end; the grace runs.
    Cancelling,
    /// The program ended by itself and left others: the window runs.
    Draining,
    /// These others were asked to end.
    Evicting,
    Killing,
    /// The tree is empty, or what is left of it survives SIGKILL or was allowed to stay.
    Over,
}

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    deadline: Option<Instant>,
    grace: Duration,
    leaks: Leaks,
    phase: Phase,
    cause: Option<Cause>,
    main: Option<Status>,
    main_gone: bool,
    empty: bool,
    signals: u32,
    ask_tree: Option<Instant>,
    end: Option<Instant>,
    paused: Option<Instant>,
}

impl Machine {
    pub(crate) fn new(deadline: Option<Instant>, grace: Duration, leaks: Leaks) -> Self {
        Self {
            deadline,
            grace,
            leaks,
            phase: Phase::Running,
            cause: None,
            main: None,
            main_gone: false,
            empty: false,
            signals: 0,
            ask_tree: None,
            end: None,
            paused: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    pub(crate) fn main(&self) -> Option<Status> {
        self.main
    }

    pub(crate) fn empty(&self) -> bool {
        self.empty
    }

    pub(crate) fn main_gone(&self) -> bool {
        self.main_gone
    }

    /// How many more signals kill the tree at once; none where it is killed already.
    pub(crate) fn signals_to_kill(&self) -> Option<u32> {
        let left = SIGNALS_TO_KILL.saturating_sub(self.signals).max(1);
        (!matches!(self.phase, Phase::Killing | Phase::Over)).then_some(left)
    }

    /// When to send the next [`Input::Tick`]; none while paused.
    pub(crate) fn timer(&self) -> Option<Instant> {
        if self.paused.is_some() {
            return None;
        }
        let deadline = self.deadline.filter(|_| self.phase == Phase::Running);
        [deadline, self.ask_tree, self.end]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn handle(&mut self, now: Instant, input: Input) -> Vec<Action> {
        match input {
            Input::Signal { signal, sender } => self.signal(
                now,
                Cause::Cancelled {
                    signal,
                    sender_pid: sender,
                },
            ),
            Input::Ancestor { pid } => self.cancel(now, Cause::Ancestor { pid }),
            Input::OwnerGone => self.owner_gone(now),
            Input::MainEnded(status) => {
                self.main = self.main.or(Some(status).filter(|_| !self.main_gone));
                self.main_ended(now, status.cause())
            }
            Input::MainLost => self.main_ended(now, lost()),
            Input::Empty => self.emptied(),
            Input::Deaths => self.deaths(now),
            Input::Tick => self.tick(now),
            Input::Pause => self.pause(now),
            Input::Resume => self.resume(now),
        }
    }

    fn signal(&mut self, now: Instant, cause: Cause) -> Vec<Action> {
        self.signals += 1;
        if self.signals >= SIGNALS_TO_KILL && self.phase != Phase::Running {
            return self.kill(now);
        }
        self.cancel(now, cause)
    }

    /// The first cause counts; what comes later changes nothing.
    fn cancel(&mut self, now: Instant, cause: Cause) -> Vec<Action> {
        if self.phase != Phase::Running {
            return Vec::new();
        }
        let now = self.clock(now);
        self.cause = Some(cause);
        self.phase = Phase::Cancelling;
        self.ask_tree = Some(now + self.grace / 2);
        self.end = Some(now + self.grace);
        vec![Action::AskMain]
    }

    /// Nobody waits any more, and whoever killed the owner did not want to: no grace.
    fn owner_gone(&mut self, now: Instant) -> Vec<Action> {
        self.cause.get_or_insert(Cause::OwnerKilled);
        self.resume(now);
        self.kill(now)
    }

    fn main_ended(&mut self, now: Instant, cause: Cause) -> Vec<Action> {
        if std::mem::replace(&mut self.main_gone, true) {
            return Vec::new();
        }
        match self.phase {
            Phase::Running => {
                self.cause = Some(cause);
                self.phase = Phase::Draining;
                self.end = Some(self.clock(now) + LEAK_WINDOW);
                self.settle()
            }
            Phase::Cancelling => self.ask_the_rest(),
            _ => self.settle(),
        }
    }

    /// The program has ended as asked; those it leaves are asked too, once.
    fn ask_the_rest(&mut self) -> Vec<Action> {
        let asked = self.ask_tree.take().is_none();
        self.settle();
        if asked || self.phase == Phase::Over {
            Vec::new()
        } else {
            vec![Action::AskTree]
        }
    }

    fn emptied(&mut self) -> Vec<Action> {
        self.empty = true;
        self.settle()
    }

    /// A tree that is still dying, be it slowly, has no survivors yet.
    fn deaths(&mut self, now: Instant) -> Vec<Action> {
        if self.phase == Phase::Killing && self.paused.is_none() {
            self.end = Some(now + KILL_PATIENCE);
        }
        Vec::new()
    }

    fn settle(&mut self) -> Vec<Action> {
        if self.empty && self.main_gone {
            self.over();
        }
        Vec::new()
    }

    fn over(&mut self) {
        self.phase = Phase::Over;
        self.ask_tree = None;
        self.end = None;
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if self.paused.is_some() {
            return Vec::new();
        }
        if self.phase == Phase::Running && due(self.deadline) {
            return self.cancel(now, Cause::Deadline);
        }
        if due(self.end) {
            return self.time_is_up(now);
        }
        if due(self.ask_tree) {
            self.ask_tree = None;
            return vec![Action::AskTree];
        }
        Vec::new()
    }

    fn time_is_up(&mut self, now: Instant) -> Vec<Action> {
        match self.phase {
            Phase::Cancelling | Phase::Evicting => self.kill(now),
            Phase::Draining if self.leaks == Leaks::Allow => {
                self.over();
                vec![Action::NameLeaks]
            }
            Phase::Draining => {
                self.phase = Phase::Evicting;
                self.end = Some(now + LEAK_GRACE);
                vec![Action::NameLeaks, Action::AskTree]
            }
            Phase::Killing => {
                self.over();
                Vec::new()
            }
            Phase::Running | Phase::Over => Vec::new(),
        }
    }

    fn kill(&mut self, now: Instant) -> Vec<Action> {
        if matches!(self.phase, Phase::Killing | Phase::Over) {
            return Vec::new();
        }
        let unnamed = self.phase == Phase::Draining;
        self.phase = Phase::Killing;
        // A killed owner never continues, and nobody waits for one that was only stopped.
        self.paused = None;
        self.ask_tree = None;
        self.end = Some(now + KILL_PATIENCE);
        let kill = [Action::NameLeaks, Action::Kill];
        kill[usize::from(!unnamed)..].to_vec()
    }

    /// What timers are set by: it stands still in a pause, as `resume` shifts them by all of it.
    fn clock(&self, now: Instant) -> Instant {
        self.paused.unwrap_or(now)
    }

    fn pause(&mut self, now: Instant) -> Vec<Action> {
        self.paused.get_or_insert(now);
        Vec::new()
    }

    /// Time that the owner spent stopped at its terminal does not count.
    fn resume(&mut self, now: Instant) -> Vec<Action> {
        if let Some(since) = self.paused.take() {
            let stopped = now.saturating_duration_since(since);
            for timer in [&mut self.deadline, &mut self.ask_tree, &mut self.end] {
                *timer = timer.map(|at| at + stopped);
            }
        }
        Vec::new()
    }
}

fn lost() -> Cause {
    let reason =
        "how the program ended is not known: the guardian that reaped it was killed".to_owned();
    Cause::Failed { reason, code: 125 }
}

#[cfg(test)]
mod tests;
