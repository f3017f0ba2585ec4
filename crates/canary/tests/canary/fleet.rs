//! The rule set `agent-fleet` beside the formulas that it replaces: where those fired on the healthy it is silent, and where they were silent it is not.

use runward_canary::engine::Report;
use runward_canary::{
    Cause, CauseKind, Cut, Only, Options, Reading, Rules, Snapshot, Stamp, State, Table, Value,
    judge,
};

use crate::harness::outcome;

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Stamp {
    Stamp::from_micros(seconds * 1_000_000)
}

fn ago(seconds: i64) -> Value {
    Value::Time(at(NOW - seconds))
}

fn int(int: i64) -> Value {
    Value::Int(int)
}

fn text(text: &str) -> Value {
    Value::text(text)
}

type Cells<'a> = &'a [(&'a str, Value)];

/// The fleet as it is read, and what is kept between cycles.
struct World {
    rules: Rules,
    now: i64,
    first: Cut,
    second: Option<Cut>,
    state: State,
}

impl World {
    /// Two agents that are seen: `a` is pushed to, `b` pulls. Nothing runs or waits.
    fn new() -> Self {
        let rules = Rules::parse("fleet.toml", "include = ['agent-fleet']").unwrap();
        let mut world = Self {
            rules,
            now: NOW,
            first: Cut::new(),
            second: None,
            state: State::default(),
        };
        let facets: Vec<String> = world
            .rules
            .facets()
            .iter()
            .map(|one| one.ask().facet.clone())
            .collect();
        facets.iter().for_each(|facet| world.has(facet, &[]));
        world.has(
            "roster",
            &[
                &[
                    ("id", text("a")),
                    ("cap", int(2)),
                    ("timeout", int(60)),
                    ("pull_mode", int(0)),
                ],
                &[
                    ("id", text("b")),
                    ("cap", int(2)),
                    ("timeout", int(60)),
                    ("pull_mode", int(1)),
                ],
            ],
        );
        world.has("owners", &[&[("id", text("a"))], &[("id", text("b"))]]);
        world.has(
            "containers",
            &[
                &[("subject", text("a")), ("id", text("c1"))],
                &[("subject", text("b")), ("id", text("c2"))],
            ],
        );
        world.has(
            "pull_env",
            &[&[
                ("subject", text("b")),
                ("id", text("c2")),
                ("born", ago(9000)),
                ("state", text("running")),
                ("pulls", Value::Bool(true)),
                ("pool", int(1)),
            ]],
        );
        world.has("polls", &[&[("subject", text("b")), ("stamp", ago(5))]]);
        world.has("drain", &[&[("stamp", ago(30))]]);
        world.has("restart", &[&[("id", text("1")), ("born", ago(9000))]]);
        world
    }

    fn reading(&self, facet: &str, rows: &[Cells<'_>]) -> Reading {
        let rule = self
            .rules
            .facets()
            .iter()
            .find(|one| one.ask().facet == facet)
            .unwrap();
        let mut table = Table::new(rule.ask().columns.clone());
        for row in rows {
            assert!(
                row.iter().all(|(name, _)| table.index(name).is_some()),
                "{facet}: {row:?}"
            );
            let cell = |name: &str| {
                row.iter()
                    .find(|(own, _)| *own == name)
                    .map_or(Value::Null, |(_, cell)| cell.clone())
            };
            let names: Vec<String> = table
                .columns()
                .iter()
                .map(|column| column.name().to_owned())
                .collect();
            table.push(names.iter().map(|name| cell(name)));
        }
        Reading::ok(table, at(self.now), at(self.now))
    }

    fn has(&mut self, facet: &str, rows: &[Cells<'_>]) {
        let reading = self.reading(facet, rows);
        self.first.insert(facet.to_owned(), reading);
    }

    /// In the second look alone; everything else is as it was.
    fn then_has(&mut self, facet: &str, rows: &[Cells<'_>]) {
        let reading = self.reading(facet, rows);
        self.second
            .get_or_insert_with(|| self.first.clone())
            .insert(facet.to_owned(), reading);
    }

    fn fails(&mut self, facet: &str) {
        let cause = Cause::new(CauseKind::Unreachable, "it is gone");
        self.first.insert(
            facet.to_owned(),
            Reading::failed(cause, at(self.now), at(self.now)),
        );
    }

    fn cycle(&mut self) -> Report {
        let second = self.second.clone().unwrap_or_else(|| self.first.clone());
        let snapshot = Snapshot::new(at(self.now), self.first.clone())
            .with_second(second)
            .with_boot("boot");
        let cycle = judge(
            self.rules.invariants(),
            &Options::default(),
            &snapshot,
            &self.state,
            &Only::All,
        );
        self.state = cycle.state;
        cycle.report
    }

    /// What is found in a cycle: kind and subject.
    fn found(&mut self, id: &str) -> String {
        let report = self.cycle();
        let verdict = &report.verdicts[id];
        assert!(
            verdict.is_judged(),
            "{id}: {:?} {:?}",
            verdict.outcome,
            verdict.blind
        );
        let found = verdict
            .findings()
            .iter()
            .map(|one| format!("{}/{}", one.kind, one.subject));
        found.collect::<Vec<_>>().join(" ")
    }
}

fn slot(age: i64) -> Vec<(&'static str, Value)> {
    vec![
        ("subject", text("a")),
        ("id", text("run")),
        ("born", ago(age)),
    ]
}

fn running(age: i64, lease: Value) -> Vec<(&'static str, Value)> {
    let mut row = slot(age);
    row.extend([
        ("lease_expires_at", lease),
        ("claude_session_id", text("s")),
    ]);
    row
}

fn ttl(age: i64, timeout: i64, left: i64, read_after: i64) -> Vec<(&'static str, Value)> {
    let mut row = slot(age);
    row.extend([
        ("timeout", int(timeout)),
        ("remaining", int(left)),
        ("read_at", ago(-read_after)),
    ]);
    row
}

#[test]
fn a_slot_runs_down() {
    for (left, expected) in [(160, ""), (159, ""), (158, "below_floor/a")] {
        let mut world = World::new();
        assert!(
            left < 60 + 300,
            "the bare value is below the floor in any case"
        );
        world.has("ttls", &[&ttl(200, 60, left, 0)]);
        assert_eq!(world.found("S-03"), expected, "{left}");
    }
}

#[test]
fn a_slot_has_the_timeout_that_it_was_taken_with() {
    let (cap, own, age) = (900, 60, 10);
    let left = own + 300 - age;
    assert!(
        left + age < cap + 300 - 1,
        "by the agent's timeout it is too short"
    );
    let mut world = World::new();
    world.has("ttls", &[&ttl(age, own, left, 0)]);
    assert_eq!(world.found("S-03"), "");
    world.has("ttls", &[&ttl(age, own, left - 2, 0)]);
    assert_eq!(world.found("S-03"), "below_floor/a", "by its own");
}

#[test]
fn a_value_is_as_old_as_its_reading() {
    let (age, later) = (10, 5);
    let left = 60 + 300 - age - later;
    assert!(
        left + age < 60 + 300 - 1,
        "by the beginning of the cycle it is too short"
    );
    let mut world = World::new();
    world.has("ttls", &[&ttl(age, 60, left, later)]);
    assert_eq!(world.found("S-03"), "");
    world.has("ttls", &[&ttl(age, 60, left, later - 2)]);
    assert_eq!(
        world.found("S-03"),
        "below_floor/a",
        "the twin that was read before"
    );
}

#[test]
fn zombies_come_and_go() {
    let zombie = |pid: &str, generation: &str| {
        vec![
            ("subject", text("a")),
            ("id", text(pid)),
            ("generation", text(generation)),
        ]
    };
    let mut world = World::new();
    for (cycle, pid, generation) in [
        (0, "7", "x"),
        (300, "8", "x"),
        (600, "7", "y"),
        (900, "7", "z"),
    ] {
        world.now = NOW + cycle;
        world.has("zombies", &[&zombie(pid, generation)]);
        assert_eq!(
            world.found("R-01"),
            "",
            "there is one each time, and never the same: {cycle}"
        );
    }
    for (cycle, expected) in [(1499, ""), (1500, "persists/a")] {
        world.now = NOW + cycle;
        world.has("zombies", &[&zombie("7", "z")]);
        assert_eq!(world.found("R-01"), expected, "{cycle}");
    }
}

#[test]
fn leased_rows_are_their_owners_for_a_bounded_time() {
    let mut world = World::new();
    for (lease, expected) in [
        (ago(-60), ""),
        (ago(600), ""),
        (ago(601), "lease_not_reaped/a"),
        (Value::Null, "stuck/a"),
    ] {
        world.has("running", &[&running(7200, lease)]);
        assert_eq!(
            world.found("E-01"),
            expected,
            "by its age alone it is stuck"
        );
    }
    for (lease, expected) in [(ago(-60), ""), (Value::Null, "row_without_slot/a")] {
        world.has("running", &[&running(100, lease)]);
        assert_eq!(world.found("S-01"), expected, "no slot either way");
    }
    for (lease, expected) in [(ago(-60), ""), (Value::Null, "no_session/a")] {
        let mut row = running(100, lease);
        row.retain(|(name, _)| *name != "claude_session_id");
        world.has("running", &[&row]);
        assert_eq!(world.found("E-05"), expected, "no session either way");
    }
}

fn waiting(agent: &str, age: i64) -> Vec<(&'static str, Value)> {
    vec![
        ("subject", text(agent)),
        ("id", text("w")),
        ("born", ago(age)),
        ("queued_at", ago(age)),
        ("backlog_metadata", text("{}")),
    ]
}

#[test]
fn who_pulls_waits_for_its_worker_and_not_for_the_drain() {
    let mut world = World::new();
    world.has("drain", &[&[("stamp", ago(600))]]);
    for (agent, age, expected) in [
        ("b", 100, ""),
        ("b", 121, "queued_not_claimed/b"),
        ("a", 1, "stalled/a"),
    ] {
        world.has("queued", &[&waiting(agent, age)]);
        assert_eq!(
            world.found("B-02"),
            expected,
            "work, room and no tick: {agent}"
        );
    }
}

#[test]
fn a_start_excuses_a_heartbeat_once() {
    let mut world = World::new();
    world.has("queued", &[&waiting("a", 1)]);
    world.has("drain", &[&[("stamp", ago(600))]]);
    world.has("restart", &[&[("id", text("2")), ("born", ago(10))]]);
    assert_eq!(
        world.found("B-02"),
        "",
        "the last tick is of before the start"
    );
    world.now += 60;
    world.has("restart", &[&[("id", text("3")), ("born", ago(5))]]);
    assert_eq!(
        world.found("B-02"),
        "stalled/a",
        "who starts over and over does no work"
    );
}

#[test]
fn a_run_begins_and_ends_between_two_stores() {
    for (age, expected) in [(2, ""), (3, ""), (4, "row_without_slot/a")] {
        let mut world = World::new();
        world.has("running", &[&running(age, Value::Null)]);
        assert_eq!(world.found("S-01"), expected, "{age}");
    }
    let mut world = World::new();
    world.has("slots", &[&slot(5000)]);
    world.then_has("slots", &[]);
    assert_eq!(
        world.found("S-01"),
        "",
        "no grace by age covers the end of a long run"
    );
    world.second = None;
    assert_eq!(
        world.found("S-01"),
        "slot_without_row/a",
        "the twin that is still there"
    );
}

#[test]
fn images_are_random_text() {
    let mut world = World::new();
    let word = "AIzaAAAAAAAAAAAAAAAAAAAA";
    for (kind, expected) in [("image/png", ""), ("text/plain", "credential/a")] {
        let text = format!(r#"{{"files":[{{"media_type":"{kind}","data":"{word}"}}]}}"#);
        assert!(text.contains("\"AIza"), "the bare pattern matches");
        let mut row = waiting("a", 1);
        row.retain(|(name, _)| *name != "backlog_metadata");
        row.push(("backlog_metadata", Value::text(&*text)));
        world.has("queued", &[&row]);
        assert_eq!(world.found("G-04"), expected, "{kind}");
    }
}

#[test]
fn an_empty_roster_is_loud_and_everything_else_is_not_green() {
    let mut world = World::new();
    world.has("roster", &[]);
    world.has("owners", &[]);
    for seconds in [0, 59] {
        world.now = NOW + seconds;
        let report = world.cycle();
        assert!(
            outcome(&report, "H-01").starts_with("unjudged"),
            "suspected: {seconds}"
        );
        assert!(report.verdicts["S-02"].is_vacuous() && report.verdicts["E-01"].is_vacuous());
    }
    world.now = NOW + 60;
    assert_eq!(world.found("H-01"), "roster_empty_contradicted/roster");
}

#[test]
fn a_database_that_is_gone_is_loud_and_nothing_of_it_is_green() {
    let mut world = World::new();
    let facets: Vec<String> = world
        .rules
        .facets()
        .iter()
        .filter(|one| one.source() == "db")
        .map(|one| one.ask().facet.clone())
        .collect();
    facets.iter().for_each(|facet| world.fails(facet));
    let report = world.cycle();
    for id in [
        "S-01", "S-02", "E-01", "E-02", "E-03", "E-04", "E-05", "E-06", "E-09", "B-01", "L-03",
        "G-03", "G-04",
    ] {
        assert!(outcome(&report, id).starts_with("unjudged"), "{id}");
    }
    world.now += 60;
    assert_eq!(world.found("H-01"), "roster_read_failed/roster");
}

#[test]
fn a_state_that_nobody_knows_is_no_end_and_not_green() {
    let ended = |status: &str| {
        vec![
            ("subject", text("a")),
            ("id", text("run")),
            ("status", text(status)),
        ]
    };
    let mut world = World::new();
    world.has("terminal", &[&ended("completed")]);
    assert!(outcome(&world.cycle(), "E-02").starts_with("unjudged"));
    for status in ["success", "failed", "cancelled", "skipped"] {
        let mut world = World::new();
        world.has("terminal", &[&ended(status)]);
        assert_eq!(world.found("E-02"), "");
        world.has("terminal", &[]);
        world.has("running", &[&running(5, Value::Null)]);
        assert_eq!(world.found("E-02"), "reversed/a", "{status}");
        world.now += 9000;
        world.has("running", &[&running(5, Value::Null)]);
        assert_eq!(
            world.found("E-02"),
            "reversed/a",
            "time alone makes nothing well"
        );
    }
}
