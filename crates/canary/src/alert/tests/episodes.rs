//! What is told of an episode, and when.

use super::*;

#[test]
fn an_episode_from_its_first_word_to_its_last() {
    let policy = Policy {
        remind_after: Some(Duration::from_secs(600)),
        ..Policy::default()
    };
    let history = live(
        &policy,
        &[
            red([Some(1), None, None]),
            red([Some(1), Some(0), None]),
            red([Some(2), Some(0), None]),
            red([Some(2), Some(0), None]),
            red([Some(2), Some(0), None]),
            red([Some(2), None, None]),
            red([None, None, None]),
        ],
    );
    use Reason::{Joined, Opened, Recovered, Reminder, Worsened};
    assert_eq!(
        reasons(&history),
        [Opened, Joined, Worsened, Reminder, Recovered, Recovered]
    );
    let last = history.alerts.last().expect("an alert");
    assert_eq!((last.red, last.all, last.since), (0, 1, Some(at(0))));
    assert_eq!(last.headline(), "recovered: S-01 a title (critical)");
}

#[test]
fn a_reminder_comes_at_its_time_and_not_before() {
    for (seconds, reminded) in [(299, true), (300, true), (301, false)] {
        let policy = Policy {
            remind_after: Some(Duration::from_secs(seconds)),
            ..Policy::default()
        };
        let history = live(
            &policy,
            &[red([Some(0), None, None]), red([Some(0), None, None])],
        );
        assert_eq!(
            reasons(&history).contains(&Reason::Reminder),
            reminded,
            "{seconds}"
        );
    }
}

#[test]
fn blindness_is_told_and_so_is_its_end() {
    let blind = Cycle {
        world: None,
        death: Death::No,
        way: Way::Takes,
    };
    let history = live(
        &Policy::default(),
        &[blind.clone(), blind.clone(), blind, red([None; 3])],
    );
    assert_eq!(reasons(&history), [Reason::Stale, Reason::Sighted]);
}

#[test]
fn what_became_bad_enough_is_opened_and_what_is_not_is_not_told() {
    let policy = Policy {
        minimum: Severity::Critical,
        ..Policy::default()
    };
    let history = live(
        &policy,
        &[
            red([Some(1), None, None]),
            red([Some(2), None, None]),
            red([None; 3]),
        ],
    );
    assert_eq!(reasons(&history), [Reason::Opened, Reason::Recovered]);
}
