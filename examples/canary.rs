//! Judges an invariant over readings with `runward-canary` and nothing else.
//!
//! ```text
//! cargo run -p runward-examples --example canary
//! ```
//!
//! The rules are text; the readings are made here. Five looks at a queue: work, no worker, a database that is gone, one that is empty, and a worker again.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;

use runward_canary::alert::Outbox;
use runward_canary::render::Status;
use runward_canary::{Cause, CauseKind, Cut, Only, Options, Reading, Rules, Snapshot};
use runward_canary::{Column, Kind, Stamp, State, Table, Value, judge};

const RULES: &str = r#"
[source.database]
kind = "sqlite"
path = "jobs.db"

[facet.queues]
source = "database"
query = "SELECT name AS id, workers FROM queues"
columns = { workers = "int" }

[invariant.Q-01]
title = "Every queue has a worker"
tier = "A"
severity = "major"
message = "{subject} has no worker."
runbook = "Look at the pool."
shape = "row"
of = "queues"
bad = [{ kind = "no_worker", column = "workers", equals = 0 }]
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let rules = Rules::parse("queues.toml", RULES)?;
    let looks = [
        ("a worker each", queues(&[("nightly", 1), ("release", 2)])),
        ("none for one", queues(&[("nightly", 0), ("release", 2)])),
        ("database gone", Err("nobody listens")),
        ("no queue at all", queues(&[])),
        ("a worker each", queues(&[("nightly", 1), ("release", 2)])),
    ];
    let mut state = State::default();
    for (minute, (what, queues)) in (1..).zip(looks) {
        let now = Stamp::from_micros(minute * 60_000_000);
        let reading = match queues {
            Ok(table) => Reading::ok(table, now, now),
            Err(why) => Reading::failed(Cause::new(CauseKind::Unreachable, why), now, now),
        };
        let snapshot = Snapshot::new(now, Cut::from([("queues".to_owned(), reading)]));
        let options = Options::default();
        let cycle = judge(rules.invariants(), &options, &snapshot, &state, &Only::All);
        let status = Status {
            title: "queues",
            report: &cycle.report,
            state: &cycle.state,
            outbox: &Outbox::default(),
            sources: &BTreeMap::new(),
            only: None,
            off: &BTreeMap::new(),
            ended: now,
            stale_after: None,
            warning: None,
            unwritten: &[],
        };
        println!("# {what}\n{}", status.human());
        state = cycle.state;
    }
    Ok(())
}

fn queues(workers: &[(&str, i64)]) -> Result<Table, &'static str> {
    let columns = [
        Column::new("id", Kind::Text),
        Column::new("workers", Kind::Int),
    ];
    let mut table = Table::new(columns);
    for (name, workers) in workers {
        table.push([Value::text(*name), Value::Int(*workers)]);
    }
    Ok(table)
}
