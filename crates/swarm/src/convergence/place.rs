use super::judge::Case;
use crate::data::{Task, TaskState};

/// A place where one task at a time belongs: a slot of a replicated service, a node of a global one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A task of the present generation has run for long enough.
    Runs,
    /// One runs, not for long yet.
    Young,
    /// One has ended well and is not started again.
    Ended,
    /// One has failed and is not started again.
    GaveUp(String),
    /// Nothing is wanted here any more.
    Left,
    /// What is here is of an older generation.
    Old,
    /// On its way.
    Coming(String),
}

/// What a judge knows of one place.
pub(super) struct View<'a> {
    /// The tasks that have been here, in any order; not none.
    pub(super) tasks: Vec<&'a Task>,
    pub(super) case: &'a Case<'a>,
}

impl View<'_> {
    pub(super) fn place(&self) -> Place {
        let Some(newest) = self.newest() else {
            return Place::Left;
        };
        let state = newest.status.state;
        if !self.case.is_current(newest) {
            return match newest.desired_state > TaskState::Running {
                true if state.is_terminal() => Place::Left,
                _ => Place::Old,
            };
        }
        if state == TaskState::Running && newest.desired_state == TaskState::Running {
            return match self.case.ran(newest) >= self.case.stable() {
                true => Place::Runs,
                false => Place::Young,
            };
        }
        // The engine gives up a task and makes its successor at once: without one there will be none.
        let for_good = state.is_terminal() && newest.desired_state > TaskState::Running;
        match state {
            TaskState::Complete if for_good => Place::Ended,
            TaskState::Failed | TaskState::Rejected if for_good => Place::GaveUp(words(newest)),
            _ if for_good => Place::Left,
            _ => Place::Coming(self.coming(newest)),
        }
    }

    /// How often a task of the present generation has failed here.
    pub(super) fn failures(&self) -> usize {
        let current = self.tasks.iter().filter(|task| self.case.is_current(task));
        current.filter(|task| has_failed(task)).count()
    }

    fn newest(&self) -> Option<&Task> {
        let age = |task: &&&Task| (task.created_at, task.version);
        self.tasks.iter().max_by_key(age).copied()
    }

    /// Where it stands, and why the one before it is no more.
    fn coming(&self, newest: &Task) -> String {
        let mut text = words(newest);
        let failed = self.tasks.iter().filter(|task| has_failed(task));
        if let Some(last) = failed.max_by_key(|task| task.created_at) {
            if last.id != newest.id {
                text = format!("{text}; before: {}", words(last));
            }
        }
        text
    }
}

fn has_failed(task: &Task) -> bool {
    matches!(task.status.state, TaskState::Failed | TaskState::Rejected)
}

/// The state of a task, with the engine's own words where it has any.
fn words(task: &Task) -> String {
    let state = format!("{:?}", task.status.state).to_lowercase();
    let exit = task.status.container_status.exit_code;
    match task.status.err.as_str() {
        "" if exit != 0 => format!("{state}: exit code {exit}"),
        "" => state,
        error => format!("{state}: {error}"),
    }
}
