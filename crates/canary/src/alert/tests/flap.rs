//! What comes and goes is told as that, once; and never is less told than has to be.

use std::time::Duration;

use proptest::prelude::*;

use super::{Cycle, History, at, cycles, live, policies, reasons, red, settled};
use crate::alert::{Alert, Policy, Reason};
use crate::{Change, Severity, Stamp};
use Reason::{Flapping, Joined, Opened, Recovered, Reminder, Worsened};

/// A cycle is 300 s, so that this is ten of them.
const WINDOW: Duration = Duration::from_secs(3_000);

fn flapping(flap: u64) -> Policy {
    Policy {
        remind_after: None,
        flap,
        flap_window: WINDOW,
        ..Policy::default()
    }
}

fn on() -> Cycle {
    red([Some(1), None, None])
}

fn off() -> Cycle {
    red([None; 3])
}

/// It comes and goes so often.
fn times(count: usize) -> Vec<Cycle> {
    std::iter::repeat_n([on(), off()], count)
        .flatten()
        .collect()
}

fn then(mut cycles: Vec<Cycle>, more: impl IntoIterator<Item = Cycle>) -> Vec<Cycle> {
    cycles.extend(more);
    cycles
}

#[test]
fn more_openings_than_the_limit_are_told_once() {
    let told = |count| reasons(&live(&flapping(2), &times(count)));
    assert_eq!(told(1), [Opened, Recovered]);
    assert_eq!(told(2), [Opened, Recovered, Opened, Recovered]);
    let all = [Opened, Recovered, Opened, Recovered, Flapping];
    assert_eq!(
        (told(3), told(4), told(5)),
        (all.into(), all.into(), all.into())
    );
}

#[test]
fn without_a_limit_each_change_is_told() {
    let told = reasons(&live(&flapping(0), &times(6)));
    assert_eq!(told.len(), 12);
    assert!(!told.contains(&Flapping));
}

#[test]
fn openings_that_lie_apart_are_no_flapping() {
    let calm = || std::iter::repeat_n(off(), 9);
    let rare = [on()].into_iter().chain(calm());
    let cycles: Vec<_> = std::iter::repeat_n(rare, 5).flatten().collect();
    let told = reasons(&live(&flapping(1), &cycles));
    assert!(!told.contains(&Flapping), "{told:?}");
}

#[test]
fn what_stays_away_for_the_window_is_told_as_well_and_not_before() {
    let quiet = |count| std::iter::repeat_n(off(), count);
    // The last change is the closing, in the last cycle of those that come and go.
    let before = live(&flapping(1), &then(times(2), quiet(9)));
    assert_eq!(reasons(&before), [Opened, Recovered, Flapping]);
    let after = live(&flapping(1), &then(times(2), quiet(30)));
    assert_eq!(reasons(&after), [Opened, Recovered, Flapping, Recovered]);
    let last = after.alerts.last().expect("an alert");
    assert_eq!((last.at, last.lines.len()), (at(3 + 10), 1));
    let said = &last.lines[0].text;
    assert_eq!(
        said,
        "wrong has stayed away for 50m, after it came and went"
    );
}

#[test]
fn what_stays_for_the_window_is_told_as_red() {
    let stays = std::iter::repeat_n(on(), 30);
    let history = live(&flapping(1), &then(times(2), stays));
    assert_eq!(reasons(&history), [Opened, Recovered, Flapping, Opened]);
    assert_eq!(history.alerts[3].at, at(4 + 10));
}

#[test]
fn while_nobody_can_look_it_is_not_told_as_well() {
    let mut blind = off();
    blind.blind();
    let dark = std::iter::repeat_n(blind, 30);
    let history = live(&flapping(1), &then(times(2), dark));
    assert!(!reasons(&history)[3..].contains(&Recovered));
    let mut blind = off();
    blind.blind();
    let seen = std::iter::repeat_n(blind, 30).chain([off()]);
    let history = live(&flapping(1), &then(times(2), seen));
    assert!(reasons(&history)[3..].contains(&Recovered));
}

#[test]
fn worse_than_it_was_told_is_told() {
    let worse = [
        red([Some(2), None, None]),
        off(),
        red([Some(2), None, None]),
    ];
    let history = live(&flapping(1), &then(times(3), worse));
    assert_eq!(reasons(&history), [Opened, Recovered, Flapping, Flapping]);
    assert_eq!(history.alerts[3].severity, Severity::Critical);
}

#[test]
fn others_are_told_as_ever() {
    let other = [
        red([None, Some(1), None]),
        red([Some(1), Some(1), None]),
        red([Some(1), None, None]),
        off(),
    ];
    let history = live(&flapping(1), &then(times(2), other));
    let told = reasons(&history);
    assert_eq!(told, [Opened, Recovered, Flapping, Opened, Recovered]);
    let subjects: Vec<_> = history.alerts[3..]
        .iter()
        .map(|it| &*it.lines[0].subject)
        .collect();
    assert_eq!(subjects, ["agent-1", "agent-1"]);
}

#[test]
fn while_it_is_red_there_are_reminders() {
    let policy = Policy {
        remind_after: Some(Duration::from_secs(1_200)),
        ..flapping(1)
    };
    let told = reasons(&live(&policy, &times(6)));
    assert_eq!(told, [Opened, Recovered, Flapping, Flapping, Flapping]);
    assert!(!told.contains(&Reminder) && !told.contains(&Worsened) && !told.contains(&Joined));
}

/// Whether somebody was told of it at that time, or was told last that it flaps, and that it is as bad as that.
fn known(history: &History, subject: &str, severity: Severity, when: Stamp) -> bool {
    let about = |alert: &&Alert| alert.lines.iter().any(|line| line.subject == subject);
    let told = history.alerts.iter().filter(|alert| alert.at <= when);
    let mut told: Vec<_> = told.filter(about).collect();
    let red = |alert: &Alert| matches!(alert.reason, Opened | Joined | Worsened | Flapping);
    if told.iter().any(|alert| alert.at == when && red(alert)) {
        return true;
    }
    let spell = std::iter::from_fn(|| told.pop());
    let mut spell = spell.take_while(|alert| alert.reason == Flapping);
    spell.any(|alert| alert.severity >= severity)
}

fn with_flap() -> impl Strategy<Value = Policy> {
    (policies(), 1..4_u64).prop_map(|(policy, flap)| Policy {
        flap,
        flap_window: WINDOW,
        recover: true,
        ..policy
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn red_is_told_or_known_to_flap(policy in with_flap(), cycles in cycles()) {
        let history = live(&policy, &cycles);
        for transition in &history.transitions {
            let (Change::Opened(key) | Change::Joined(key) | Change::Worsened { key, .. }) = &transition.change else {
                continue;
            };
            if key.severity >= policy.minimum {
                let known = known(&history, &key.subject, key.severity, transition.at);
                prop_assert!(known, "{:?}", transition);
            }
        }
    }

    #[test]
    fn what_is_red_in_the_end_was_told_when_all_is_calm(policy in with_flap(), cycles in cycles()) {
        let history = live(&policy, &settled(cycles));
        let state = &history.last.state;
        for (id, standing) in state.invariants() {
            for (kind, subject, red) in standing.red().filter(|(_, _, red)| red.severity >= policy.minimum) {
                prop_assert!(red.alerted.is_some(), "{id} {kind} {subject}: {red:?}");
            }
        }
        prop_assert!(history.last.outbox.entries().is_empty());
        let ids: std::collections::BTreeSet<_> = history.alerts.iter().map(|alert| &alert.id).collect();
        prop_assert_eq!(ids.len(), history.alerts.len(), "an id was used twice");
    }

    #[test]
    fn one_that_comes_and_goes_for_ever_is_told_so_often_and_no_more(flap in 1..4_u64, count in 4..60_usize) {
        let told = reasons(&live(&flapping(flap), &times(count)));
        prop_assert_eq!(told.len() as u64, 2 * flap + 1);
    }
}
