//! Whose alert it is, since when, and whether anybody hears it.

use super::{armed, at, key, live, red, refuse, report};
use crate::alert::*;
use crate::{Change, Facts, Outcome, Severity, Stamp, State, Witness};

fn policy() -> Policy {
    Policy {
        rules: "fleet\u{202e}".into(),
        instance: "vm:/etc/runward/fleet.toml".into(),
        ..Policy::default()
    }
}

#[test]
fn an_alert_says_by_which_rules_it_is_and_who_judged() {
    let history = live(&policy(), &[red([Some(1), None, None])]);
    let alert = &history.alerts[0];
    let headline = alert.headline();
    assert!(
        headline.starts_with("[fleet\\u{202e}] opened: S-01"),
        "{headline}"
    );
    assert_eq!(alert.instance, "vm:/etc/runward/fleet.toml");
    assert!(
        alert
            .id
            .starts_with("vm--etc-runward-fleet.toml/S-01/opened/"),
        "{}",
        alert.id
    );
}

#[test]
fn an_alert_that_waited_since_before_rules_were_named_is_read() {
    let history = live(&policy(), &[red([Some(1), None, None])]);
    let text = history.alerts[0].to_json();
    let mut older: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(
        older
            .as_object_mut()
            .expect("an object")
            .remove("rules")
            .is_some()
    );
    older["instance"] = "host".into();
    let alert = Alert::from_json(&older.to_string()).expect("an alert");
    assert!(alert.headline().starts_with("[host] opened: "));
}

#[test]
fn what_is_over_says_since_when_it_was_so() {
    let began = Stamp::from_micros(at(3).as_micros() - 1);
    for (since, said) in [
        (Some(began), began),
        (None, Stamp::from_micros(at(3).as_micros() - 7_000_000)),
    ] {
        let mut red = key("a", Severity::Major);
        red.since = since;
        let closed = Change::Closed {
            key: red,
            held_for_secs: if since.is_some() { 0 } else { 7 },
            witness: Witness::Held(Facts::new()),
            over: true,
        };
        let told = live(&policy(), &[self::red([Some(1), None, None])]).last;
        let report = report(Outcome::Held { examined: 1 }, vec![closed], at(3));
        let news = policy().decide(&report, State::default(), told.outbox, &["sink"]);
        assert_eq!(news.alerts[0].reason, Reason::Recovered);
        assert_eq!(news.alerts[0].since, Some(said));
    }
}

/// What is known after so many cycles in which nothing arrives.
fn refused(cycles: usize, limits: &Limits) -> Outbox {
    let mut outbox = armed();
    for cycle in 0..cycles {
        let _ = outbox.begin(at(cycle), limits);
        let _ = outbox.send(at(cycle), &mut refuse);
    }
    outbox
}

#[test]
fn a_sink_is_unheard_from_the_second_failure_on_until_something_arrives() {
    assert_eq!(refused(1, &Limits::default()).unheard(), []);
    let mut outbox = refused(2, &Limits::default());
    let unheard = outbox.unheard();
    assert_eq!(unheard.len(), 1);
    assert!(unheard[0].waiting > 0 && unheard[0].given_up == 0 && unheard[0].why.is_some());
    let _ = outbox.begin(at(9), &Limits::default());
    let _ = outbox.send(at(9), &mut |_, _| Delivery::Delivered);
    assert_eq!(outbox.unheard(), []);
}

#[test]
fn what_was_given_up_is_known_until_something_arrives_there_or_the_sink_is_gone() {
    let limits = Limits {
        attempts: 1,
        ..Limits::default()
    };
    let outbox = refused(2, &limits);
    assert!(outbox.entries().is_empty());
    let text = serde_json::to_string(&outbox).expect("JSON");
    let kept: Outbox = serde_json::from_str(&text).expect("an outbox");
    assert_eq!(kept, outbox);
    let unheard = kept.unheard();
    assert!(unheard[0].given_up > 0 && unheard[0].waiting == 0);
    let sink = unheard[0].sink.clone();
    let calm = || report(Outcome::Held { examined: 1 }, Vec::new(), at(3));
    let news = policy().decide(&calm(), State::default(), kept.clone(), &[&sink]);
    assert_eq!(news.outbox.unheard().len(), 1);
    for others in [&["other"][..], &[]] {
        let news = policy().decide(&calm(), State::default(), kept.clone(), others);
        assert_eq!(news.outbox.unheard(), []);
    }
}
