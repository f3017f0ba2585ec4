//! What makes a level beside what is red, and that all who show it agree.

use runward_canary::render::{Level, Status};
use serde_json::{Value, json};

use super::fixture::Cycle;

/// The level, as each way to show it has it.
#[track_caller]
fn level(status: &Status<'_>) -> Level {
    let level = status.level();
    let name = level.name();
    let json: Value = serde_json::from_str(&status.json()).expect("JSON");
    assert_eq!(json["level"], name);
    let head = format!("canary fleet: {}: ", name.to_uppercase());
    let text = status.human();
    assert!(text.starts_with(&head), "{text}");
    let figure = format!("\ncanary_level{{rules=\"fleet\"}} {}\n", level.code());
    let samples = status.prometheus();
    assert!(samples.contains(&figure), "{samples}");
    let page = status.html();
    assert!(
        page.contains(&format!("<p class=\"level {name}\"")),
        "{page}"
    );
    level
}

/// Where each invariant examined so many elements.
fn examined(count: u64) -> Cycle {
    Cycle::well().with_report(|report| {
        for (id, verdict) in report["verdicts"].as_object_mut().expect("verdicts") {
            if id != "G-01" {
                verdict["examined"] = count.into();
            }
        }
    })
}

fn entry(attempts: u32) -> Value {
    let alert = json!({
        "id": "i", "reason": "opened", "invariant": "S-01", "title": "t", "severity": "major",
        "at": "2026-05-20T11:00:00Z", "since": null, "instance": "host-label", "lines": [], "all": 1, "red": 1, "runbook": "r",
    });
    let cause = json!({"kind": "unreachable", "detail": "no such program"});
    json!({"number": 7, "sink": "command", "alert": alert, "attempts": attempts, "last_error": cause})
}

#[test]
fn where_nothing_was_examined_nobody_knows() {
    assert_eq!(level(&examined(1).status()), Level::Ok);
    let cycle = examined(0);
    assert_eq!(level(&cycle.status()), Level::Unknown);
    let text = cycle.status().human();
    assert!(
        text.starts_with("canary fleet: UNKNOWN: nothing was examined, "),
        "{text}"
    );
    assert!(
        text.contains("warning: nothing was examined: no invariant"),
        "{text}"
    );
}

#[test]
fn what_waits_for_its_event_has_been_examined_if_it_ever_was() {
    let waiting = || {
        Cycle::well().with_report(|report| {
            let verdicts = report["verdicts"].as_object_mut().expect("verdicts");
            verdicts.retain(|id, _| id == "G-01");
        })
    };
    assert_eq!(level(&waiting().status()), Level::Unknown);
    let tried = json!({"coverage": {"cycles": 9, "judged": 1, "examined": 1}});
    let waited = waiting().with_standing("G-01", &tried);
    assert_eq!(level(&waited.status()), Level::Ok);
}

#[test]
fn the_harness_has_examined_nothing_of_what_is_watched() {
    let own = examined(0).with_report(|report| {
        let mut own = report["verdicts"]["L-03"].clone();
        own["meta"]["id"] = "canary.rules".into();
        own["examined"] = 1.into();
        report["verdicts"]["canary.rules"] = own;
    });
    assert_eq!(level(&own.status()), Level::Unknown);
}

#[test]
fn alerts_that_do_not_arrive_are_no_green() {
    let late = examined(1).with_outbox(&json!({"entries": [entry(1)]}));
    assert_eq!(level(&late.status()), Level::Ok, "once may be an accident");
    let text = late.status().human();
    assert!(
        text.contains("note: 1 alert has not arrived; command: "),
        "{text}"
    );
    let unheard = examined(1).with_outbox(&json!({"entries": [entry(2), entry(0)]}));
    assert_eq!(level(&unheard.status()), Level::Warning);
    let text = unheard.status().human();
    let said = "warning: alerts do not arrive at command: 2 waiting; unreachable: no such program";
    assert!(text.contains(said), "{text}");
    let given_up = examined(1).with_outbox(&json!({"given_up": {"webhook": 3}}));
    assert_eq!(level(&given_up.status()), Level::Warning);
    assert!(given_up.status().human().contains("at webhook: 3 given up"));
    let hidden = Cycle::new(&["a"]).with_outbox(&json!({"entries": [entry(2)]}));
    assert_eq!(
        level(&hidden.status()),
        Level::Unknown,
        "the worse one stays"
    );
}

#[test]
fn what_cannot_be_written_makes_green_unknown_and_hides_no_red() {
    let full = |cycle: Cycle| cycle.with_unwritten("prometheus", "/srv/c.prom: no space left");
    let green = full(examined(1));
    assert_eq!(level(&green.status()), Level::Unknown);
    let text = green.status().human();
    let said =
        "warning: [output] prometheus could not be written, and is old: /srv/c.prom: no space left";
    assert!(text.contains(said), "{text}");
    let red = |severity: &str| {
        let cycle = Cycle::new(&["a"]).with_report(|report| {
            let verdicts = report["verdicts"].as_object_mut().expect("verdicts");
            verdicts.retain(|id, _| id == "S-01" || id == "L-03");
        });
        full(cycle.with_red(severity))
    };
    assert_eq!(level(&red("major").status()), Level::Warning);
    assert_eq!(level(&red("critical").status()), Level::Critical);
}

#[test]
fn other_rules_and_what_went_with_the_old_ones_are_said() {
    let dropped = json!({
        "invariant": "S-09", "at": "2026-05-20T12:00:00Z", "change": "dropped", "kind": "left_only",
        "subject": "agent-<1>", "severity": "critical", "facts": {}, "held_for_secs": 7325,
    });
    let noted = json!({"invariant": "canary.rules", "at": "2026-05-20T12:00:00Z", "change": "noted", "facts": {}});
    let cycle = examined(1).with_report(|report| {
        report["transitions"] = json!([dropped, noted]);
    });
    let text = cycle.status().human();
    for said in [
        "canary fleet: OK: 1 red dropped with their rules, ",
        "note: the rules are not those of the cycle before",
        "note: S-09 agent-<1> (left_only, critical) was red for 2h 2m, and the rules do not know it any more",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
    let page = cycle.status().html();
    assert!(page.contains("<li>the rules are not those"), "{page}");
    assert!(
        page.contains("<li>S-09 agent-&lt;1&gt; (left_only"),
        "{page}"
    );
}

#[test]
fn who_did_not_answer_is_blamed_and_who_was_not_asked_is_not() {
    let unread = |facet: &str, source: &str, kind: &str, detail: &str| json!({"facet": facet, "source": source, "cause": {"kind": kind, "detail": detail}});
    let cycle = examined(1)
        .with_answer("db", Some(true))
        .with_answer("redis", None)
        .with_report(|report| {
            report["unread"] = json!([
                unread("rows", "db", "malformed", "no such table: agents"),
                unread(
                    "slots",
                    "redis",
                    "not-run",
                    "it stands on rows, which was not read"
                ),
            ]);
        });
    let text = cycle.status().human();
    for said in [
        "note: the source db answered, but not for rows: malformed: no such table: agents",
        "note: the source redis was not asked: it stands on rows",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
    assert!(!text.contains("did not answer"), "{text}");
    let page = cycle.status().html();
    assert!(
        page.contains("<code>redis</code> <strong class=\"unknown\">was not asked"),
        "{page}"
    );
    let samples = cycle.status().prometheus();
    assert!(!samples.contains("source=\"redis\""), "{samples}");
    let json: Value = serde_json::from_str(&cycle.status().json()).expect("JSON");
    assert_eq!(json["sources"], json!({"db": true, "redis": null}));
}

#[test]
fn a_cycle_of_some_does_not_say_that_it_judged_the_others() {
    let cycle = examined(1).with_only(&["L-03"]);
    let text = cycle.status().human();
    let (now, before) = text
        .split_once("not judged in this cycle")
        .expect("two parts");
    assert!(now.contains("L-03") && !now.contains("G-03"), "{text}");
    assert!(before.contains("G-03"), "{text}");
    let json: Value = serde_json::from_str(&cycle.status().json()).expect("JSON");
    let earlier = json["invariants"].as_array().expect("invariants").iter();
    let earlier: Vec<_> = earlier.map(|it| it["earlier"].as_bool()).collect();
    assert_eq!(earlier, [Some(true), Some(true), Some(false)]);
    assert!(cycle.status().html().contains("held, in a cycle before"));
}

#[test]
fn a_monitoring_system_takes_no_figures_from_a_title() {
    let cycle = examined(1).with_title("a | b=1\u{202e}\n");
    let text = cycle.status().human();
    let head = text.lines().next().expect("a line");
    assert!(head.starts_with("canary a / b=1\\u{202e}"), "{head}");
    assert!(!head.contains('|'), "{head}");
}
