//! The lines of a bundle: what a look or a command was, in the places where a spec can find it.
use runward_canary::Stamp;
use runward_canary::engine::Report;
use runward_canary::rules::Drill;
use serde_json::{Map, Value, json};

use super::command::Ran;
use super::outcome::Step;
use super::stage::{Key, Look, Stage, is_closed};

/// A look. The verdict on the drill's invariant, and what turned red or green, are moved out of the report, where their places depend on names; what was
/// found of the drill itself stands beside them.
pub(super) fn look(drill: &Drill, step: Step, look: &Look, stage: &Stage<'_>) -> Value {
    let key = Key::of(drill);
    let mut report = json!(look.report);
    let verdicts = report.get_mut("verdicts").and_then(Value::as_object_mut);
    let named = verdicts.and_then(|verdicts| verdicts.remove(&drill.invariant));
    if let Some(report) = report.as_object_mut() {
        report.remove("transitions");
    }
    // What is judged once after an event stands until the next.
    let mut found = look.found(&key).map(|one| with_key(json!(one), &key));
    if step == Step::Still && look.is_not_due(&key) {
        found = Some(json!({ "key": key.named(), "earlier": true }));
    }
    let changes = changes(&look.report, &key, stage);
    json!({
        "drill": drill.name,
        "step": step.name(),
        "at": look.report.taken,
        "named": named,
        "found": found,
        "opened": changes.opened,
        "closed": changes.closed,
        "other": changes.other,
        "report": report,
    })
}

#[derive(Default)]
struct Changes {
    opened: Vec<Value>,
    closed: Vec<Value>,
    other: Vec<Value>,
}

fn changes(report: &Report, key: &Key, stage: &Stage<'_>) -> Changes {
    let mut changes = Changes::default();
    for change in &report.transitions {
        if let Some(opened) = stage.opened(change) {
            changes.opened.push(with_key(json!(change), &opened));
        } else if is_closed(change, key) {
            changes.closed.push(with_key(json!(change), key));
        } else {
            changes.other.push(json!(change));
        }
    }
    changes
}

fn with_key(mut value: Value, key: &Key) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert("key".to_owned(), json!(key.named()));
    }
    value
}

/// A command.
pub(super) fn ran(drill: &Drill, step: Step, argv: &[String], at: Stamp, ran: &Ran) -> Value {
    json!({
        "drill": drill.name,
        "step": step.name(),
        "at": at,
        "argv": argv,
        "ended": ran.ended,
        "said": ran.said,
        "took_ms": u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// What was planned, by name.
pub(super) fn plan(drills: &[&Drill]) -> Value {
    let named = drills.iter().map(|drill| {
        let key = Key::of(drill);
        (drill.name.clone(), json!(key.named()))
    });
    Value::Object(named.collect::<Map<_, _>>())
}
