//! The judgement alone: a hundred thousand rows for each row shape, all of them well.

use std::time::Instant;

use runward_canary::{
    Cut, Only, Options, Reading, Rules, Snapshot, Stamp, State, Table, Value, judge,
};

use super::fleet::held;
use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::setting::Setting;
use crate::stats::Samples;

const ROWS: usize = 100_000;
const NOW: i64 = 1_800_000_000_000_000;

const SOURCE: &str = "
[source.db]
kind = 'command'
[facet]
slots = { source = 'db', subject = 's', born = 'b' }
running = { source = 'db', subject = 's', born = 'b', columns = { lease = 'time', session = 'text', done = 'time', meta = 'text' } }
ttls = { source = 'db', each = 'slots', columns = { remaining = 'int', timeout = 'int' } }
roster = { source = 'db', columns = { timeout = 'int', cap = 'int' } }
[invariant.X]
title = 't'
tier = 'A'
severity = 'major'
message = 'm'
runbook = 'r'
";

const SHAPES: [(&str, &str); 5] = [
    (
        "age_below",
        "of = 'running'\nlimit = { column = 'roster.timeout', plus = '300s' }\nowner = { until = 'lease', grace = '600s' }",
    ),
    (
        "within_then",
        "of = 'running'\nwithin = '5s'\nthen = 'session'\nexempt = { column = 'lease', null = false }",
    ),
    (
        "row",
        "of = 'running'\nbad = [{ kind = 'null', column = 'session', null = true }, { kind = 'skew', column = 'born', after = 'done', by = '1s' }]",
    ),
    (
        "decay_floor",
        "of = 'ttls'\nborn = 'slots.born'\nfloor = { column = 'timeout', plus = '300s' }\nexempt = { column = 'id', prefix = 'drain-' }",
    ),
    ("at_most", "count = 'slots'\nlimit = 'roster.cap'"),
];

pub(super) fn section(setting: &Setting) -> Section {
    let title = "The judgement alone of 100,000 rows of 1,000 subjects";
    let mut section = Section::new("canary-shapes", title, Unit::Nanoseconds);
    for (shape, keys) in SHAPES {
        match measure(setting, shape, keys) {
            Ok(outcome) => section.row(shape, outcome),
            Err(error) => section.row(shape, Outcome::Failed(error.to_string())),
        }
        if let Some(summary) = section.summary(shape) {
            let nanoseconds = summary.median / ROWS as f64;
            section.target(format!("{shape}, ns a row"), nanoseconds, 100.0);
        }
    }
    section.note("100 ns a row are 10 million rows a second");
    section
}

fn measure(setting: &Setting, shape: &str, keys: &str) -> Result<Outcome> {
    let rules = Rules::parse("bench.toml", &format!("{SOURCE}shape = '{shape}'\n{keys}"))?;
    let snapshot = Snapshot::new(Stamp::from_micros(NOW), cut(&rules));
    let mut samples = Samples::default();
    for _ in 0..setting.rounds(50, 5) {
        let (options, state) = (Options::default(), State::default());
        let began = Instant::now();
        let cycle = judge(rules.invariants(), &options, &snapshot, &state, &Only::All);
        samples.push(began.elapsed().as_secs_f64() * 1e9);
        let verdict = cycle.report.verdicts.get("X").ok_or("no verdict")?;
        held(verdict)?;
    }
    let summary = samples.summary().ok_or("no round was run")?;
    let rate = |nanoseconds: f64| ROWS as f64 * 1e3 / nanoseconds;
    let (median, best) = (rate(summary.median), rate(summary.min));
    let remark = format!("{median:.1} million rows a second, best {best:.1}");
    Ok(Outcome::Measured(summary, remark))
}

fn cut(rules: &Rules) -> Cut {
    let now = Stamp::from_micros(NOW);
    let ago = |seconds: i64| Value::Time(Stamp::from_micros(NOW - seconds * 1_000_000));
    let reading = |table: Table| Reading::ok(table, now, now);
    let agent = |row: usize| Value::text(format!("agent-{}", row / 100));
    let (mut slots, mut running) = (table(rules, "slots"), table(rules, "running"));
    for row in 0..ROWS {
        let id = Value::text(row.to_string());
        slots.push([agent(row), id.clone(), ago(9)]);
        let (session, meta) = (Value::text("s"), Value::text("{}"));
        running.push([agent(row), id, ago(9), Value::Null, session, ago(1), meta]);
    }
    let (mut ttls, mut roster) = (table(rules, "ttls"), table(rules, "roster"));
    // As a source does it: whom it was asked for is what stands in the row that it was asked for.
    for slot in slots.rows() {
        let (subject, id) = (slot.at(0).clone(), slot.at(1).clone());
        ttls.push([subject, id, ago(0), Value::Int(1191), Value::Int(900)]);
    }
    for number in 0..ROWS / 100 {
        roster.push([agent(number * 100), Value::Int(900), Value::Int(1000)]);
    }
    let all = [
        ("slots", slots),
        ("running", running),
        ("ttls", ttls),
        ("roster", roster),
    ];
    Cut::from(all.map(|(facet, table)| (facet.to_owned(), reading(table))))
}

fn table(rules: &Rules, facet: &str) -> Table {
    let rule = rules.facets().iter().find(|rule| rule.ask().facet == facet);
    Table::new(rule.map_or_else(Vec::new, |rule| rule.ask().columns.clone()))
}
