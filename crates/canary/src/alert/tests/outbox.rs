//! What is tried, how often, in which order, and when it is given up.

use super::*;

#[test]
fn a_delivery_is_given_up_after_so_many_attempts_and_counted() {
    let limits = Limits {
        attempts: 3,
        age: Duration::MAX,
    };
    let mut outbox = armed();
    for cycle in 0..3 {
        assert!(outbox.begin(at(cycle), &limits).is_empty(), "cycle {cycle}");
        assert_eq!(outbox.send(at(cycle), &mut refuse).failed.len(), 1);
    }
    let given_up = outbox.begin(at(3), &limits);
    assert_eq!(given_up.len(), 1);
    assert_eq!(
        (given_up[0].attempts, given_up[0].first_failed_at),
        (3, Some(at(0)))
    );
    assert_eq!(outbox.counters().dropped, 1);
    assert!(outbox.entries().is_empty());
}

#[test]
fn a_delivery_is_given_up_when_it_is_too_old_but_not_by_a_clock_that_jumped() {
    let limits = Limits {
        attempts: 100,
        age: Duration::from_secs(600),
    };
    let mut outbox = armed();
    for cycle in [0, 900] {
        assert!(
            outbox.begin(at(cycle), &limits).is_empty(),
            "only {cycle} attempts"
        );
        let _ = outbox.send(at(cycle), &mut refuse);
    }
    assert!(outbox.begin(at(901), &limits).is_empty());
    let _ = outbox.send(at(901), &mut refuse);
    assert_eq!(outbox.begin(at(902), &limits).len(), 1);
}

#[test]
fn it_is_tried_once_in_a_cycle() {
    let mut outbox = armed();
    let limits = Limits::default();
    let mut tried = 0;
    for _ in 0..3 {
        let _ = outbox.begin(at(0), &limits);
    }
    assert_eq!(outbox.entries()[0].attempts, 1);
    let _ = outbox.send(at(0), &mut |_, _| {
        tried += 1;
        Delivery::Delivered
    });
    assert_eq!((tried, outbox.counters().delivered), (1, 1));
}

#[test]
fn the_outbox_has_bounds_and_what_was_tried_makes_room_for_what_was_not() {
    let mut outbox = armed();
    let alert = outbox.entries()[0].alert.clone();
    outbox.arm(std::slice::from_ref(&alert), &["other"]);
    let _ = outbox.begin(at(0), &Limits::default());
    let _ = outbox.send(at(0), &mut |sink, alert| match sink {
        "other" => refuse(sink, alert),
        _ => Delivery::Later,
    });
    outbox.arm(&vec![alert; 10_000], &["sink"]);
    let given_up = outbox.begin(at(1), &Limits::default());
    let numbers: Vec<_> = given_up.iter().map(|entry| entry.number).collect();
    assert_eq!((numbers, outbox.entries().len()), (vec![1, 0], 10_000));
    assert_eq!(outbox.counters().dropped, 2);
}

#[test]
fn what_there_was_no_time_for_comes_first_in_the_next_cycle_and_was_not_tried() {
    let mut outbox = armed();
    let alert = outbox.entries()[0].alert.clone();
    outbox.arm(&vec![alert; 9], &["sink"]);
    let mut seen = 0;
    for cycle in 0..4 {
        let _ = outbox.begin(at(cycle), &Limits::default());
        let mut time = 3;
        let _ = outbox.send(at(cycle), &mut |_, _| {
            if time == 0 {
                return Delivery::Later;
            }
            time -= 1;
            seen += 1;
            Delivery::Delivered
        });
        assert!(outbox.entries().iter().all(|it| it.attempts == 0));
    }
    assert_eq!((seen, outbox.entries().len()), (10, 0));
}

#[test]
fn after_silence_a_sink_is_left_alone_until_the_next_cycle() {
    let (report, state) = judge(&State::default(), &Some([Some(2), None, None]), at(0));
    let news = Policy::default().decide(&report, state, Outbox::default(), &["dead", "alive"]);
    let (report, state) = judge(&news.state, &Some([Some(2), Some(1), None]), at(1));
    let mut outbox = Policy::default()
        .decide(&report, state, news.outbox, &["dead", "alive"])
        .outbox;
    let _ = outbox.begin(at(1), &Limits::default());
    let mut asked = Vec::new();
    let round = outbox.send(at(1), &mut |sink, alert| {
        asked.push((sink.to_owned(), alert.reason));
        match sink {
            "dead" => Delivery::Failed(Cause::new(CauseKind::Timeout, "nobody")),
            _ => Delivery::Delivered,
        }
    });
    let count = |name: &str| asked.iter().filter(|(sink, _)| sink == name).count();
    assert_eq!((count("dead"), count("alive")), (1, 2));
    assert_eq!((round.failed.len(), round.delivered), (1, 2));
}

#[test]
fn an_older_alert_that_failed_holds_back_the_newer_ones() {
    let mut outbox = armed();
    let limits = Limits::default();
    let _ = outbox.begin(at(0), &limits);
    let _ = outbox.send(at(0), &mut refuse);
    let saved = outbox.entries()[0].clone();
    assert_eq!(saved.attempts, 1);
    let (_, state) = judge(&State::default(), &Some([Some(2), None, None]), at(0));
    let (report, state) = judge(&state, &Some([None; 3]), at(1));
    let mut outbox = Policy::default()
        .decide(&report, state, outbox, &["sink"])
        .outbox;
    let _ = outbox.begin(at(1), &limits);
    let mut asked = 0;
    let _ = outbox.send(at(1), &mut |sink, alert| {
        asked += 1;
        refuse(sink, alert)
    });
    assert_eq!(asked, 1, "the recovery waits for the opening");
    let attempts: Vec<_> = outbox
        .entries()
        .iter()
        .map(|entry| entry.attempts)
        .collect();
    assert_eq!(attempts, [2, 0]);
    let _ = outbox.begin(at(2), &limits);
    let mut seen = Vec::new();
    let _ = outbox.send(at(2), &mut |_, alert| {
        seen.push(alert.reason);
        Delivery::Delivered
    });
    assert_eq!(seen, [Reason::Opened, Reason::Recovered]);
}

#[test]
fn without_a_sink_an_alert_is_skipped_and_counted() {
    let (report, state) = judge(&State::default(), &Some([Some(2), None, None]), at(0));
    let news = Policy::default().decide(&report, state, Outbox::default(), &[]);
    let counters = news.outbox.counters();
    assert_eq!((counters.detected, counters.skipped), (1, 1));
    assert!(news.outbox.entries().is_empty());
    let (report, state) = judge(&news.state, &Some([Some(2), None, None]), at(60));
    let news = Policy::default().decide(&report, state, news.outbox, &["late"]);
    let reasons: Vec<_> = news.alerts.iter().map(|it| it.reason).collect();
    assert_eq!(reasons, [Reason::Opened], "a sink that comes later is told");
}

#[test]
fn one_corrupt_entry_does_not_disable_the_rest() {
    let text = serde_json::to_string(&armed()).expect("JSON");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let good = value["entries"][0].clone();
    value["entries"] = serde_json::json!([{"number": "x"}, good, 7]);
    value["told"]["other"] = serde_json::json!("nonsense");
    value["next"] = serde_json::json!(null);
    let outbox: Outbox = serde_json::from_value(value).expect("what can be read is read");
    assert_eq!(outbox.entries().len(), 1);
    assert_eq!(outbox.counters().corrupt, 4);
    assert_eq!(outbox.counters().detected, 1);
}
