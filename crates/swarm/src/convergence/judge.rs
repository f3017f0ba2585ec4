//! Whether a service is where it was told to go: a function of what the engine says, and of nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use super::place::{Place, View};
use crate::data::{Mode, Service, Task};

/// How far a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Where it was told to go, and it stays there.
    Settled,
    /// On its way.
    InFlight,
    /// It will not get there by itself.
    Failed,
}

/// What a look has shown of one service.
pub(super) struct Case<'a> {
    pub(super) service: &'a Service,
    /// Its tasks, those of the past included.
    pub(super) tasks: Vec<&'a Task>,
    /// Those that are made as the service is now.
    pub(super) current: &'a BTreeSet<String>,
    pub(super) now: SystemTime,
    /// For how long we have seen a task run ourselves: clocks of other nodes may be off.
    pub(super) watched: &'a dyn Fn(&Task) -> Duration,
    /// How long a task has to run before it counts; else as long as the engine monitors one after an update.
    pub(super) stable: Option<Duration>,
}

/// What the engine takes where a service says nothing.
const MONITOR: Duration = Duration::from_secs(5);
/// So often has a task to fail after a pause before it is no flicker.
const TRIES: usize = 3;

type Verdict = (State, String);

impl Case<'_> {
    pub(super) fn judge(&self) -> Verdict {
        let update = &self.service.update_status;
        let said = |what: &str| match update.message.as_str() {
            "" => what.to_owned(),
            message => format!("{what}: {message}"),
        };
        match update.state.as_str() {
            "updating" => (State::InFlight, said("the update is under way")),
            "rollback_started" => (State::InFlight, said("the rollback is under way")),
            "rollback_completed" => (State::Failed, said("the update was rolled back")),
            "rollback_paused" => (State::Failed, said("the rollback is paused")),
            "paused" => self.paused(&said("the update is paused")),
            _ => self.work(),
        }
    }

    /// A pause stays until the next update, also when one task had flickered and all are well: then it does not matter.
    fn paused(&self, said: &str) -> Verdict {
        let places = self.places();
        let halfway = places.values().any(|view| view.place() == Place::Old);
        let (state, words) = self.work();
        let hopeless = places.values().any(|view| view.failures() >= TRIES);
        let state = match state {
            State::InFlight if halfway || hopeless => State::Failed,
            state => state,
        };
        (state, format!("{words}; {said}"))
    }

    fn work(&self) -> Verdict {
        let places = self.places();
        let places: BTreeMap<&str, Place> = places
            .iter()
            .map(|(name, view)| (name.as_str(), view.place()))
            .collect();
        match &self.service.spec.mode {
            Mode {
                replicated: Some(replicated),
                ..
            } => count(
                &places,
                replicated.replicas.unwrap_or(1),
                &[Place::Runs, Place::Ended],
            ),
            Mode {
                replicated_job: Some(job),
                ..
            } => {
                let wanted = job.total_completions.or(job.max_concurrent).unwrap_or(1);
                count(&places, wanted, &[Place::Ended])
            }
            Mode {
                global_job: Some(_),
                ..
            } => self.everywhere(&places, &[Place::Ended]),
            _ => self.everywhere(&places, &[Place::Runs, Place::Ended]),
        }
    }

    /// Of a global service the engine decides where it belongs; it does so at once.
    fn everywhere(&self, places: &BTreeMap<&str, Place>, good: &[Place]) -> Verdict {
        let wanted = places
            .values()
            .filter(|place| **place != Place::Left)
            .count();
        let age = self.service.updated_at.map(|at| since(at, self.now));
        if wanted == 0 && age.is_none_or(|age| age < MONITOR) {
            return (State::InFlight, "no node has a task yet".into());
        }
        if wanted == 0 {
            return (State::Settled, "no node fits".into());
        }
        count(places, wanted as u64, good)
    }

    /// The tasks by the slot, or the node, where they belong.
    fn places(&self) -> BTreeMap<String, View<'_>> {
        let mut places = BTreeMap::new();
        for task in &self.tasks {
            let name = match self.has_slots() {
                true => task.slot.to_string(),
                false => format!("on node {}", task.node),
            };
            let empty = || View {
                tasks: Vec::new(),
                case: self,
            };
            places.entry(name).or_insert_with(empty).tasks.push(*task);
        }
        places
    }

    fn has_slots(&self) -> bool {
        let mode = &self.service.spec.mode;
        mode.replicated.is_some() || mode.replicated_job.is_some()
    }

    pub(super) fn is_current(&self, task: &Task) -> bool {
        match task.job_iteration {
            Some(iteration) => iteration == self.service.job_status.job_iteration,
            None => self.current.contains(&task.id),
        }
    }

    pub(super) fn ran(&self, task: &Task) -> Duration {
        let told = task
            .status
            .timestamp
            .map_or(Duration::ZERO, |at| since(at, self.now));
        told.max((self.watched)(task))
    }

    pub(super) fn stable(&self) -> Duration {
        let monitor = self.service.spec.update_config.monitor;
        let monitor = monitor.map_or(MONITOR, Duration::from_nanos);
        self.stable.unwrap_or(monitor)
    }
}

/// A time that is still to come was a moment ago.
fn since(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or_default()
}

fn count(places: &BTreeMap<&str, Place>, wanted: u64, good: &[Place]) -> Verdict {
    let is_good = |place: &&Place| good.contains(place);
    let there = places.values().filter(is_good).count() as u64;
    let mut words = match good {
        [Place::Ended] => format!("{there} of {wanted} have ended well"),
        _ => format!("{there} of {wanted} run or have ended well"),
    };
    if there >= wanted {
        return (State::Settled, words);
    }
    let mut state = State::InFlight;
    for (name, place) in places {
        if let Place::GaveUp(_) = place {
            state = State::Failed;
        }
        if let Some(why) = shown(place) {
            words.push_str(&format!("; replica {name}: {why}"));
        }
    }
    (state, words)
}

fn shown(place: &Place) -> Option<String> {
    match place {
        Place::Runs | Place::Ended | Place::Left => None,
        Place::Young => Some("runs, not for long yet".into()),
        Place::Old => Some("of an older generation".into()),
        Place::Coming(why) => Some(why.clone()),
        Place::GaveUp(why) => Some(format!("{why}; it is not started again")),
    }
}
