//! The rule set `ci-host` on a fake clock: one second before each limit, at it, and after it; and for all that is let off, the twin that is not.

use runward_canary::engine::{Change, Report, Witness};
use runward_canary::{
    Cause, CauseKind, Cut, Only, Options, Reading, Rules, Snapshot, Stamp, State, Table, Value,
    judge,
};

use crate::harness::outcome;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;
const BOOT: &str = "this-boot";

fn at(seconds: i64) -> Stamp {
    Stamp::from_micros(seconds * 1_000_000)
}

fn ago(seconds: i64) -> Value {
    Value::Time(at(NOW - seconds))
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn yes(yes: bool) -> Value {
    Value::Bool(yes)
}

type Row = Vec<(&'static str, Value)>;

/// A host as it is read, and what is kept between cycles. It has been up for a day, its janitor has just been there, and nothing runs.
struct Host {
    rules: Rules,
    now: i64,
    cut: Cut,
    state: State,
}

impl Host {
    fn new() -> Self {
        Self::with("")
    }

    fn with(more: &str) -> Self {
        let rules = Rules::parse("host.toml", &format!("include = ['ci-host']\n{more}"));
        let mut host = Self {
            rules: rules.unwrap(),
            now: NOW,
            cut: Cut::new(),
            state: State::default(),
        };
        let facets = host.rules.facets().iter();
        let facets: Vec<String> = facets.map(|one| one.ask().facet.clone()).collect();
        facets.iter().for_each(|facet| host.has(facet, vec![]));
        host.has("boot", vec![vec![("id", text(BOOT)), ("born", ago(DAY))]]);
        host.has("audit", vec![audit(1)]);
        host
    }

    fn has(&mut self, facet: &str, rows: Vec<Row>) {
        let all = self.rules.facets().iter();
        let rule = all.into_iter().find(|one| one.ask().facet == facet);
        let mut table = Table::new(rule.unwrap().ask().columns.clone());
        for row in &rows {
            let known = |(name, _): &(&str, Value)| table.index(name).is_some();
            assert!(row.iter().all(known), "{facet}: {row:?}");
            let names: Vec<_> = table
                .columns()
                .iter()
                .map(|one| one.name().to_owned())
                .collect();
            let cell = |name: &String| {
                let found = row.iter().find(|(own, _)| own == name);
                found.map_or(Value::Null, |(_, cell)| cell.clone())
            };
            table.push(names.iter().map(cell));
        }
        let reading = Reading::ok(table, at(self.now), at(self.now));
        self.cut.insert(facet.to_owned(), reading);
    }

    fn fails(&mut self, facet: &str) {
        let cause = Cause::new(CauseKind::Unreachable, "it is gone");
        let reading = Reading::failed(cause, at(self.now), at(self.now));
        self.cut.insert(facet.to_owned(), reading);
    }

    fn cycle(&mut self) -> Report {
        let snapshot = Snapshot::new(at(self.now), self.cut.clone()).with_boot(BOOT);
        let rules = self.rules.invariants();
        let cycle = judge(
            rules,
            &Options::default(),
            &snapshot,
            &self.state,
            &Only::All,
        );
        self.state = cycle.state;
        cycle.report
    }

    /// What is found in a cycle so many seconds after the first: kind and subject. No other invariant of the set is red.
    #[track_caller]
    fn found(&mut self, id: &str, later: i64) -> String {
        self.now = NOW + later;
        let report = self.cycle();
        let verdict = &report.verdicts[id];
        let seen = verdict.is_judged() && verdict.blind.is_empty();
        assert!(seen, "{id}: {:?} {:?}", verdict.outcome, verdict.blind);
        for (other, verdict) in &report.verdicts {
            let quiet =
                other == id || other.starts_with("canary.") || verdict.findings().is_empty();
            assert!(quiet, "{other} as well: {:?}", verdict.outcome);
        }
        let found = verdict.findings().iter();
        let found = found.map(|one| format!("{}/{}", one.kind, one.subject));
        found.collect::<Vec<_>>().join(" ")
    }

    /// The same of what has to last: first seen at the beginning, and then found at none of these moments but the last.
    #[track_caller]
    fn lasts(&mut self, id: &str, enough: i64, expected: &str) {
        for (later, expected) in [
            (0, ""),
            (enough - 1, ""),
            (enough, expected),
            (enough + 1, expected),
        ] {
            assert_eq!(self.found(id, later), expected, "{id} after {later}");
        }
    }
}

fn audit(age: i64) -> Row {
    let path = text("audit");
    vec![("id", path), ("born", ago(age)), ("exists", yes(true))]
}

fn lock(held: bool, in_place: Option<bool>, since: Value, waiters: i64) -> Row {
    vec![
        ("id", text("shop")),
        ("held", yes(held)),
        ("in_place", in_place.map_or(Value::Null, yes)),
        ("since", since),
        ("waiters", Value::Int(waiters)),
    ]
}

fn run_lock(name: &str, state: &str, in_place: bool) -> Row {
    vec![
        ("id", text(name)),
        ("held", yes(state == "held")),
        (
            "in_place",
            if state == "held" {
                yes(in_place)
            } else {
                Value::Null
            },
        ),
        ("state", text(state)),
    ]
}

fn journal(held: bool, age: i64, deadline: Value, boot: Value) -> Row {
    vec![
        ("subject", text("build-7")),
        ("id", text("build-7.key")),
        ("held", yes(held)),
        ("deadline", deadline),
        ("started", ago(age)),
        ("of_boot", boot),
        ("boot", text(BOOT)),
    ]
}

fn of_now(held: bool) -> Row {
    journal(held, 10, Value::Null, text(BOOT))
}

#[test]
fn an_idle_host_is_well_and_closes_what_was_red() {
    let mut host = Host::new();
    let report = host.cycle();
    for (id, verdict) in &report.verdicts {
        let well = verdict.findings().is_empty() && verdict.cause().is_none();
        assert!(well, "{id}: {:?}", verdict.outcome);
    }
    host.has("journals", vec![of_now(false)]);
    host.lasts("CI-L3", 600, "unfinished/build-7");
    host.has("journals", vec![]);
    host.now += 1;
    let report = host.cycle();
    let gone = report.transitions.iter().any(|one| {
        let Change::Closed { witness, .. } = &one.change else {
            return false;
        };
        one.invariant == "CI-L3"
            && matches!(witness, Witness::Gone { among, .. } if among == "boot")
    });
    assert!(gone, "{:?}", report.transitions);
}

#[test]
fn so_many_runs_and_no_more_and_only_those_that_are_at_work() {
    let names: Vec<String> = (0..70).map(|number| format!("r{number}")).collect();
    let of = |count: usize, state: &str| -> Vec<Row> {
        names[..count]
            .iter()
            .map(|name| run_lock(name, state, true))
            .collect()
    };
    for (count, expected) in [(63, ""), (64, ""), (65, "overbooked/all")] {
        let mut host = Host::new();
        host.has("run_locks", of(count, "held"));
        assert_eq!(host.found("CI-S2", 0), expected, "{count}");
    }
    let mut host = Host::new();
    host.has("run_locks", of(70, "released"));
    assert_eq!(host.found("CI-S2", 0), "", "those are over");
}

#[test]
fn a_lock_that_is_held_is_at_its_path() {
    for (row, expected) in [
        (lock(true, Some(true), ago(9), 0), ""),
        (lock(false, None, Value::Null, 0), ""),
        (lock(true, Some(false), Value::Null, 0), "removed/shop"),
    ] {
        let mut host = Host::new();
        // Beside the new one, which somebody else may have taken by now.
        host.has("locks", vec![lock(true, Some(true), ago(5), 0), row]);
        assert_eq!(host.found("CI-S3", 0), expected);
    }
    let mut host = Host::new();
    host.has("locks", vec![lock(false, None, Value::Null, 0)]);
    let free = outcome(&host.cycle(), "CI-S3");
    assert_eq!(free, "held 0", "a lock that nobody has shows nothing");
    for (state, in_place, expected) in [
        ("held", true, ""),
        ("left", false, ""),
        ("held", false, "removed/all"),
    ] {
        let mut host = Host::new();
        host.has("run_locks", vec![run_lock("r", state, in_place)]);
        assert_eq!(host.found("CI-S4", 0), expected, "{state}");
    }
}

#[test]
fn who_is_waited_for_says_who_it_is() {
    let mut host = Host::new();
    host.has("locks", vec![lock(true, Some(true), Value::Null, 1)]);
    host.lasts("CI-B2", 60, "unclaimed/shop");
    let mut host = Host::new();
    host.has("locks", vec![lock(false, None, Value::Null, 2)]);
    host.lasts("CI-B2", 60, "unclaimed/shop");
    for (row, why) in [
        (lock(true, Some(true), ago(900), 3), "it is at work"),
        (lock(true, Some(true), Value::Null, 0), "nobody waits"),
        (
            lock(false, None, Value::Null, 0),
            "it is free, and nobody waits",
        ),
    ] {
        let mut host = Host::new();
        host.has("locks", vec![row]);
        for later in [0, 60, 3600] {
            assert_eq!(host.found("CI-B2", later), "", "{why}");
        }
    }
}

#[test]
fn a_run_has_its_own_deadline_and_time_for_its_teardowns() {
    let deadline = || Value::Int(60);
    for (age, expected) in [(659, ""), (660, ""), (661, "past_deadline/build-7")] {
        let mut host = Host::new();
        host.has("journals", vec![journal(true, age, deadline(), text(BOOT))]);
        assert_eq!(host.found("CI-E1", 0), expected, "{age}");
    }
    for (held, deadline, why) in [
        (true, Value::Null, "it has none"),
        (true, Value::Int(10 * DAY), "it has a longer one"),
        (false, deadline(), "it is dead, which is another matter"),
    ] {
        let mut host = Host::new();
        host.has("journals", vec![journal(held, DAY, deadline, text(BOOT))]);
        assert_eq!(host.found("CI-E1", 0), "", "{why}");
    }
}

#[test]
fn no_run_lasts_longer_than_a_day() {
    let run = |held: bool, born: Value| -> Row {
        let (run, key) = (text("build-7"), text("build-7.key"));
        vec![
            ("subject", run),
            ("id", key),
            ("born", born),
            ("held", yes(held)),
        ]
    };
    for (age, expected) in [(DAY - 1, ""), (DAY, ""), (DAY + 1, "too_long/build-7")] {
        let mut host = Host::new();
        host.has("runs", vec![run(true, ago(age))]);
        assert_eq!(host.found("CI-E3", 0), expected, "{age}");
    }
    for row in [run(false, ago(9 * DAY)), run(true, Value::Null)] {
        let mut host = Host::new();
        host.has("runs", vec![row]);
        assert_eq!(
            host.found("CI-E3", 0),
            "",
            "it is over, or has only just begun"
        );
    }
}

#[test]
fn a_journal_is_somebodys() {
    let mut host = Host::new();
    host.has("journals", vec![of_now(true)]);
    for later in [0, 600, 3600] {
        assert_eq!(host.found("CI-L3", later), "", "it is at work");
    }
    host.has("journals", vec![of_now(false)]);
    assert_eq!(host.found("CI-L3", 3600 + 1), "", "it has only just died");
    assert_eq!(host.found("CI-L3", 3600 + 600), "");
    assert_eq!(host.found("CI-L3", 3600 + 601), "unfinished/build-7");
}

#[test]
fn a_state_directory_is_that_of_a_run_that_lives() {
    let state = || vec![vec![("id", text("build-7.key"))]];
    for others in [
        vec![],
        vec![run_lock("build-7.key", "left", true)],
        vec![run_lock("another", "held", true)],
    ] {
        let mut host = Host::new();
        host.has("states", state());
        host.has("run_locks", others);
        host.lasts("CI-L4", 600, "left_behind/build-7.key");
    }
    let mut host = Host::new();
    host.has("states", state());
    host.has("run_locks", vec![run_lock("build-7.key", "held", true)]);
    for later in [0, 600, 3600] {
        assert_eq!(host.found("CI-L4", later), "", "it lives");
    }
}

#[test]
fn processes_of_a_run_that_was_left_are_orphans() {
    let member = |pid: &str| -> Row {
        let (run, read) = (text("build-7"), ago(0));
        vec![("subject", run), ("id", text(pid)), ("read_at", read)]
    };
    let mut host = Host::new();
    host.has("members", vec![member("7"), member("8")]);
    host.lasts("CI-R2", 600, "orphaned/build-7");
}

#[test]
fn a_zombie_is_one_process_and_not_one_after_the_other() {
    let zombie = |generation: &str| -> Vec<Row> {
        let (comm, pid) = (text("sh"), text("7"));
        vec![vec![
            ("subject", comm),
            ("id", pid),
            ("generation", text(generation)),
        ]]
    };
    let mut host = Host::new();
    host.has("zombies", zombie("a"));
    host.lasts("CI-R1", 600, "persists/sh");
    let mut host = Host::new();
    for (later, generation) in [(0, "a"), (599, "b"), (1198, "c")] {
        host.has("zombies", zombie(generation));
        assert_eq!(
            host.found("CI-R1", later),
            "",
            "the same number, and another each time"
        );
    }
}

/// A host that was started so long ago, and a journal.
fn booted(age: i64, journal: Row) -> Host {
    let mut host = Host::new();
    host.has("boot", vec![vec![("id", text(BOOT)), ("born", ago(age))]]);
    host.has("journals", vec![journal]);
    host
}

fn from_before(held: bool) -> Row {
    journal(held, 900, Value::Null, text("the-boot-before"))
}

#[test]
fn after_a_boot_it_is_judged_once_and_after_some_time() {
    let mut host = booted(0, from_before(false));
    for (later, expected) in [(298, "not due"), (299, "not due"), (300, "violated")] {
        host.now = NOW + later;
        let report = host.cycle();
        let said = outcome(&report, "CI-G1");
        assert!(said.starts_with(expected), "{later}: {said}");
    }
    host.has("journals", vec![]);
    host.now = NOW + 400;
    let report = host.cycle();
    assert!(outcome(&report, "CI-G1").starts_with("not due"), "once");
    // The next boot shows that it is well.
    let next = vec![("id", text("next-boot")), ("born", ago(-400))];
    host.has("boot", vec![next]);
    assert_eq!(host.found("CI-G1", 700), "");
    let mut host = booted(3601, from_before(false));
    let report = host.cycle();
    let said = outcome(&report, "CI-G1");
    assert!(
        said.starts_with("not due"),
        "that was nobody's to judge: {said}"
    );
}

#[test]
fn after_a_boot_only_what_was_before_it_is_found() {
    for (journal, expected) in [
        (from_before(false), "from_before/build-7"),
        (from_before(true), ""),
        (of_now(false), ""),
        (journal(false, 900, Value::Null, Value::Null), ""),
    ] {
        let mut host = booted(300, journal);
        assert_eq!(host.found("CI-G1", 0), expected);
    }
}

#[test]
fn the_janitor_is_there_and_makes_its_rounds() {
    for (age, expected) in [(7199, ""), (7200, ""), (7201, "silent/audit")] {
        let mut host = Host::new();
        host.has("audit", vec![audit(age)]);
        assert_eq!(host.found("CI-J1", 0), expected, "{age}");
    }
    let mut host = Host::new();
    host.has(
        "audit",
        vec![vec![("id", text("audit")), ("exists", yes(false))]],
    );
    assert_eq!(host.found("CI-J2", 0), "never/audit");
    let silent = outcome(&host.cycle(), "CI-J1");
    assert_eq!(silent, "held 0", "of that the other one tells");
    host.has("audit", vec![audit(1)]);
    assert_eq!(host.found("CI-J2", 1), "");
}

#[test]
fn a_table_of_locks_that_shows_nobody_is_believed_if_nobody_is_there() {
    let live = || vec![vec![("id", text("build-7.key"))]];
    let mut quiet = Host::new();
    assert_eq!(quiet.found("CI-H1", 0), "", "nobody is there");
    quiet.has("live", live());
    quiet.has("run_locks", vec![run_lock("build-7.key", "held", true)]);
    assert_eq!(quiet.found("CI-H1", 3600), "", "who is there is seen");
    type Break = fn(&mut Host);
    let faults: [(Break, &str); 3] = [
        (
            |host| host.has("live", vec![vec![("id", text("k"))]]),
            "roster_empty_contradicted/run_locks",
        ),
        (
            |host| host.fails("live"),
            "roster_empty_unverifiable/run_locks",
        ),
        (
            |host| host.fails("run_locks"),
            "roster_read_failed/run_locks",
        ),
    ];
    for (fault, expected) in faults {
        let mut host = Host::new();
        assert_eq!(host.found("CI-H1", 0), "");
        fault(&mut host);
        for later in [10, 129] {
            host.now = NOW + later;
            let report = host.cycle();
            let said = outcome(&report, "CI-H1");
            assert!(said.starts_with("unjudged"), "suspected: {later} {said}");
        }
        assert_eq!(host.found("CI-H1", 130), expected);
    }
}

#[test]
fn what_is_deployed_is_somebodys_where_that_is_asked_for() {
    let host = Host::new();
    assert!(host.rules.off().any(|(id, _)| id == "CI-S1"));
    let asked = |name: &str| {
        host.rules
            .facets()
            .iter()
            .any(|one| one.ask().facet == name)
    };
    assert!(!asked("deployed"), "no engine is asked");
    let stack =
        |name: &'static str, age: i64| -> Row { vec![("id", text(name)), ("born", ago(age))] };
    let lock = |held: bool| -> Row { vec![("id", text("shop")), ("held", yes(held))] };
    let on = || Host::with("[invariant.CI-S1]\noff = false\n");
    for locks in [vec![], vec![lock(false)]] {
        let mut host = on();
        host.has("deployed", vec![stack("shop", 9000)]);
        host.has("app_locks", locks);
        host.lasts("CI-S1", 120, "unowned/shop");
    }
    // The grace of its birth, and then the time that it has to last.
    let mut host = on();
    host.has("deployed", vec![stack("shop", 0)]);
    for (later, expected) in [(120, ""), (121, ""), (240, ""), (241, "unowned/shop")] {
        assert_eq!(host.found("CI-S1", later), expected, "{later}");
    }
    let mut host = on();
    host.has("deployed", vec![stack("shop", 9000)]);
    host.has("app_locks", vec![lock(true)]);
    for later in [0, 120, 3600] {
        assert_eq!(host.found("CI-S1", later), "", "somebody has it");
    }
}

#[test]
fn locks_that_cannot_be_read_are_neither_green_nor_red() {
    let mut host = Host::new();
    host.has("locks", vec![lock(true, Some(false), Value::Null, 0)]);
    assert_eq!(host.found("CI-S3", 0), "removed/shop");
    for facet in ["locks", "run_locks", "runs", "journals", "states"] {
        host.fails(facet);
    }
    let report = host.cycle();
    for id in [
        "CI-S2", "CI-S3", "CI-S4", "CI-B2", "CI-E1", "CI-E3", "CI-L3", "CI-L4",
    ] {
        let said = outcome(&report, id);
        assert!(said.starts_with("unjudged"), "{id}: {said}");
    }
    let closed = |change: &Change| matches!(change, Change::Closed { .. });
    assert!(!report.transitions.iter().any(|one| closed(&one.change)));
    assert_eq!(report.verdicts["CI-S3"].red, 1, "it stays red");
}
