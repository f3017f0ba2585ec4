//! How many rows a second, for each row shape: `cargo test --release -p runward-canary speed -- --ignored --nocapture`.

use std::time::Instant;

use super::{World, ago, rows};
use crate::Value;

const FACETS: &str = "
slots = { source = 'db', subject = 's', born = 'b' }
running = { source = 'db', subject = 's', born = 'b', columns = { lease = 'time', session = 'text', done = 'time', meta = 'text' } }
ttls = { source = 'db', each = 'slots', columns = { remaining = 'int', timeout = 'int' } }
roster = { source = 'db', columns = { timeout = 'int', cap = 'int' } }";

const ROWS: usize = 100_000;

const RULES: [(&str, &str); 5] = [
    (
        "age_below",
        "shape = 'age_below'\nof = 'running'\nlimit = { column = 'roster.timeout', plus = '300s' }\nowner = { until = 'lease', grace = '600s' }",
    ),
    (
        "within_then",
        "shape = 'within_then'\nof = 'running'\nwithin = '5s'\nthen = 'session'\nexempt = { column = 'lease', null = false }",
    ),
    (
        "row",
        "shape = 'row'\nof = 'running'\nbad = [{ kind = 'null', column = 'done', null = true }, { kind = 'skew', column = 'born', after = 'done', by = '1s' }]",
    ),
    (
        "decay_floor",
        "shape = 'decay_floor'\nof = 'ttls'\nborn = 'slots.born'\nfloor = { column = 'timeout', plus = '300s' }\nexempt = { column = 'id', prefix = 'drain-' }",
    ),
    (
        "at_most",
        "shape = 'at_most'\ncount = 'slots'\nlimit = 'roster.cap'",
    ),
];

fn world(rule: &str) -> World {
    let mut world = World::new(FACETS, rule);
    // As a source does it: whom it is asked for is no copy of whom was found.
    let names: Vec<_> = (0..ROWS)
        .map(|n| [format!("agent-{}", n / 100), n.to_string()].map(Value::text))
        .collect();
    let each = |row: &dyn Fn(Value, Value) -> Vec<Vec<Value>>| {
        let rows = names.iter().cloned();
        rows.flat_map(|[agent, id]| row(agent, id))
            .collect::<Vec<_>>()
    };
    world.has("slots", each(&|agent, id| rows![[agent, id, ago(9)]]));
    world.has(
        "running",
        each(&|agent, id| rows![[agent, id, ago(9), (), "s", ago(1), "{}"]]),
    );
    world.has(
        "ttls",
        each(&|agent, id| rows![[agent, id, ago(0), 1191, 900]]),
    );
    let roster = (0..ROWS / 100).flat_map(|n| rows![[&*format!("agent-{n}"), 900, 1000]]);
    world.has("roster", roster.collect());
    world
}

#[test]
#[ignore = "measures, and is of use in a release build alone"]
#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn row_shapes_in_rows_a_second() {
    for (name, rule) in RULES {
        let mut world = world(rule);
        assert_eq!(world.found(), "", "{name}");
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(world.judge().findings.len(), 0);
        }
        let rate = 20.0 * ROWS as f64 / begun.elapsed().as_secs_f64() / 1e6;
        println!("{name}: {rate:.1} million rows a second");
    }
}
