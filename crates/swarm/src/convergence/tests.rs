//! Verdicts over what a real engine said, recorded in `shapes` and cut to what matters.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use super::{Convergence, Look, State};

/// A look of the past, and when it was.
struct Shape {
    look: Look,
    now: SystemTime,
}

impl Shape {
    fn read(text: &str) -> Self {
        let shape: Value = serde_json::from_str(text).unwrap();
        let part = |name: &str| shape[name].clone();
        let now = part("now");
        Self {
            look: Look {
                services: serde_json::from_value(part("services")).unwrap(),
                tasks: serde_json::from_value(part("tasks")).unwrap(),
                current: serde_json::from_value(part("current")).unwrap(),
            },
            now: humantime::parse_rfc3339(now.as_str().unwrap()).unwrap(),
        }
    }

    fn judge(&self) -> Convergence {
        self.look.judge(&|_| Duration::ZERO, None, self.now)
    }

    #[track_caller]
    fn assert(&self, state: State, words: &str) {
        let judged = self.judge();
        let text = judged.services()[0].to_string();
        assert_eq!(judged.state(), state, "{text}");
        assert!(text.contains(words), "no {words:?} in: {text}");
    }
}

macro_rules! shape {
    ($name:literal) => {
        Shape::read(include_str!(concat!("shapes/", $name, ".json")))
    };
}

#[test]
fn a_deploy_is_in_flight_until_all_have_run_for_a_while() {
    shape!("starting").assert(State::InFlight, "0 of 2 run");
    let mut running = shape!("running");
    running.assert(State::Settled, "2 of 2 run");
    running.now -= Duration::from_secs(5);
    running.assert(State::InFlight, "not for long yet");
}

#[test]
fn a_clock_that_is_behind_does_not_hold_up_what_we_have_seen() {
    let mut running = shape!("running");
    running.now -= Duration::from_secs(3600);
    running.assert(State::InFlight, "not for long yet");
    let seen = running
        .look
        .judge(&|_| Duration::from_secs(5), None, running.now);
    assert_eq!(seen.state(), State::Settled);
    let at_once = running
        .look
        .judge(&|_| Duration::ZERO, Some(Duration::ZERO), running.now);
    assert_eq!(at_once.state(), State::Settled);
}

#[test]
fn the_old_generation_does_not_count() {
    let mut running = shape!("running");
    running.look.current = BTreeSet::new();
    running.assert(State::InFlight, "of an older generation");
}

#[test]
fn only_updating_and_rolling_back_are_in_flight() {
    shape!("updating").assert(State::InFlight, "the update is under way");
    shape!("rollback-started").assert(State::InFlight, "the rollback is under way");
    let mut completed = shape!("update-completed");
    completed.now += Duration::from_secs(1);
    completed.assert(State::Settled, "2 of 2 run");
    shape!("rollback-completed").assert(State::Failed, "the update was rolled back");
}

#[test]
fn a_paused_update_is_over() {
    let mut halfway = shape!("paused");
    let tasks = halfway.look.tasks.iter().filter(|task| task.slot == 1);
    halfway.look.current = tasks.map(|task| task.id.clone()).collect();
    halfway.assert(State::Failed, "replica 2: of an older generation");
    shape!("paused-hopeless").assert(State::Failed, "exit (5)");
}

#[test]
fn after_a_pause_the_engine_goes_on_to_start_what_failed() {
    shape!("paused").assert(State::InFlight, "before: failed: task: non-zero exit (3)");
}

#[test]
fn a_flicker_that_paused_an_update_does_no_harm() {
    let mut flicker = shape!("paused-flicker");
    flicker.now += Duration::from_secs(5);
    flicker.assert(State::Settled, "1 of 1 run");
    flicker.now -= Duration::from_secs(5);
    flicker.assert(State::InFlight, "not for long yet");
}

#[test]
fn one_shot_services_are_done_when_they_have_ended_well() {
    shape!("one-shot").assert(State::Settled, "1 of 1");
    shape!("one-shot-on-failure").assert(State::Settled, "1 of 1");
    shape!("one-shot-failed").assert(State::Failed, "exit (7)");
    shape!("attempts-used-up").assert(State::Failed, "exit (8)");
    shape!("job").assert(State::Settled, "2 of 2 have ended well");
}

#[test]
fn what_is_started_again_and_again_is_in_flight_with_the_reason() {
    shape!("crash-loop").assert(State::InFlight, "exit (9)");
    shape!("no-node").assert(State::InFlight, "no suitable node");
}

#[test]
fn a_job_that_has_not_ended_often_enough_is_in_flight() {
    let mut job = shape!("job");
    job.look.tasks.pop();
    job.assert(State::InFlight, "1 of 2 have ended well");
}

#[test]
fn a_global_service_has_arrived_where_it_fits() {
    shape!("global").assert(State::Settled, "1 of 1 run");
    let mut nowhere = shape!("global-nowhere");
    nowhere.assert(State::Settled, "no node fits");
    nowhere.now -= Duration::from_secs(6);
    nowhere.assert(State::InFlight, "no node has a task yet");
}

#[test]
fn nothing_wanted_is_there_at_once() {
    shape!("nothing-wanted").assert(State::Settled, "0 of 0");
}
