use runward_canary::engine::Report;
use runward_canary::{
    Cause, CauseKind, Column, ErrorKind, Kind, Only, Options, Reading, Rules, Snapshot, Stamp,
    State, Table, Value, judge,
};

use crate::harness::*;

fn snapshot() -> Snapshot {
    let columns = [
        Column::new("t", Kind::Time),
        Column::new("any", Kind::Any),
        Column::new("text", Kind::Text),
    ];
    let mut odd = Table::new(columns);
    let far = Value::Time(Stamp::from_micros(i64::MAX));
    odd.push([
        Value::Time(at(7)),
        Value::Time(at(8)),
        Value::text("2026-05-20T12:00:00Z"),
    ]);
    odd.push([Value::text("soon"), Value::Int(i64::MIN), Value::Null]);
    odd.push([far, Value::Bool(true), Value::text("\u{0}\"\\\u{202e}")]);
    odd.push([Value::Null, Value::text(""), Value::Int(5)]);
    let cause = || Cause::new(CauseKind::Denied, "no right");
    let odd = Reading::ok(odd, at(1), at(2))
        .with_gap("g", cause())
        .with_watermark("w");
    let lines = [
        ("x", "a", "found", "e"),
        ("y", "b", "held", ""),
        ("z", "a", "blind", ""),
    ];
    let first = cut([
        ("odd", odd),
        ("jobs", reading(1, &lines)),
        ("down", down(1)),
    ]);
    Snapshot::new(at(1), first)
        .with_second(cut([("jobs", reading(2, &lines))]))
        .with_ended(at(3))
        .with_monotonic(u64::MAX)
        .with_boot("b")
        .with_origins([("jobs".to_owned(), "redis".to_owned())].into())
        .with_remote(["redis".to_owned()].into())
}

#[test]
fn a_snapshot_read_back_is_the_same_and_is_judged_to_the_same_bytes() {
    let snapshot = snapshot();
    let text = snapshot.to_json();
    let back = Snapshot::from_json(&text).unwrap();
    assert_eq!(back, snapshot);
    assert_eq!(back.to_json(), text);
    let invariants = [invariant("X", terms(|terms| terms.reread = true))];
    let report = |snapshot| {
        let cycle = judge(
            &invariants,
            &Options::default(),
            snapshot,
            &State::default(),
            &Only::All,
        );
        serde_json::to_string(&cycle.report).unwrap()
    };
    assert_eq!(report(&snapshot), report(&back));
}

const KEYS: &str = r#"
[source.db]
kind = "command"
[facet]
queued = { source = "db", columns = { meta = "text" } }
running = { source = "db" }
[invariant.G-04]
title = "t"
tier = "A"
severity = "major"
message = "m"
runbook = "r"
shape = "row"
of = "queued"
bad = [{ kind = "not_json", column = "meta", json = false }, { kind = "secret", column = "meta", secret = true }]
[invariant.S-01]
title = "t"
tier = "A"
severity = "major"
message = "m"
runbook = "r"
shape = "same_ids"
left = "queued"
right = "running"
"#;

#[test]
fn a_snapshot_in_a_file_has_no_credential_and_is_judged_the_same() {
    let rules = Rules::parse("rules.toml", KEYS).unwrap();
    let token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let ids = ["q1", token];
    let mut queued = Table::new([
        Column::new("id", Kind::Text),
        Column::new("meta", Kind::Text),
    ]);
    for (id, meta) in ids
        .iter()
        .zip([format!("{{\"env\":\"{token}\"}}"), "{}".to_owned()])
    {
        queued.push([Value::text(*id), Value::text(meta)]);
    }
    let mut running = Table::new([Column::new("id", Kind::Text)]);
    for id in ids {
        running.push([Value::text(id)]);
    }
    let why = Cause::new(CauseKind::Garbled, format!("invalid input: {token}"));
    let polls = Table::new([Column::new("id", Kind::Text)]);
    let polls = Reading::ok(polls, at(1), at(1)).with_gap("g", why.clone());
    let first = cut([
        ("queued", Reading::ok(queued, at(1), at(1))),
        ("running", Reading::ok(running, at(1), at(1))),
        ("polls", polls),
        ("beats", Reading::failed(why, at(1), at(1))),
    ]);
    let snapshot = Snapshot::new(at(1), first);
    let text = snapshot.to_json();
    assert!(!text.contains("0123456789abcdef"), "{text}");
    let verdicts = |snapshot: &Snapshot| {
        let (options, state) = (Options::default(), State::default());
        let cycle = judge(rules.invariants(), &options, snapshot, &state, &Only::All);
        let verdicts = ["G-04", "S-01"].map(|id| cycle.report.verdicts[id].clone());
        serde_json::to_string(&verdicts).unwrap()
    };
    let judged = verdicts(&snapshot);
    assert_eq!(judged, verdicts(&Snapshot::from_json(&text).unwrap()));
    for outcome in ["\"kind\":\"secret\"", "\"outcome\":\"held\""] {
        assert!(judged.contains(outcome), "{judged}");
    }
}

#[test]
fn reports_and_states_are_read_back_as_they_were() {
    let mut world = World::new(terms(|terms| terms.reread = true));
    for _ in 0..4 {
        let report = world.judge(&snapshot());
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.starts_with("{\"schema\":1,"), "{text}");
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        let state = world.state.to_json();
        assert_eq!(State::from_json(&state).unwrap(), world.state);
    }
}

#[test]
fn files_that_are_not_ours_are_refused_with_the_place() {
    let text = snapshot().to_json();
    for (from, to, says) in [
        ("\"schema\":1", "\"schema\":2", "schema 2 is not known"),
        ("\"first\":", "\"frist\":", "unknown field `frist`"),
        ("\"rows\":", "\"watermark2\":", "unknown field"),
        (
            "[null,\"\",5]",
            "[null,\"\"]",
            "row 3 has 2 cells for 3 columns",
        ),
        ("\"failed\":{", "\"columns\":[],\"failed\":{", "either"),
        ("{\"text\":\"soon\"}", "\"soon\"", "`soon` is no time"),
        (
            "\"kind\":\"unreachable\"",
            "\"kind\":\"unheard\"",
            "unheard",
        ),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        let error = Snapshot::from_json(&text.replace(from, to)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Snapshot);
        let words = error.to_string();
        assert!(words.contains(says) && words.contains("column"), "{words}");
    }
    let deep = "[".repeat(100_000);
    assert!(Snapshot::from_json(&deep).is_err());
    assert_eq!(
        State::from_json("{\"schema\":9}").unwrap_err().kind(),
        ErrorKind::State
    );
}
