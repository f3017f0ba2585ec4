use super::{World, ago, rows};
use crate::CauseKind;

const FACETS: &str = "
queued = { source = 'db', subject = 's', born = 'b' }
running = { source = 'db', subject = 's', columns = { lease = 'time' } }
roster = { source = 'db', columns = { pull = 'bool' } }
env = { source = 'db', born = 'b', columns = { pulls = 'bool', size = 'int' } }
containers = { source = 'db', columns = { state = 'text' } }
polls = { source = 'db', subjects = 'roster', as = 'stamp' }
done = { source = 'db', subject = 's', columns = { at = 'time' } }";

const POOL: &str = "
shape = 'pool'
mode = { column = 'roster.pull', equals = true }
queued = 'queued'
busy = 'running'
busy_until = 'lease'
pulls = 'env.pulls'
size = 'env.size'
started = 'env.born'
running = 'containers.state'
polled = 'polls.stamp'
report = ['queued_not_claimed', 'workers_missing', 'workers_silent', 'pilot_stopped']";

/// Two workers, one of them busy, one that asks for work.
fn world() -> World {
    let mut world = World::new(FACETS, POOL);
    world
        .has("roster", rows![["a", true]])
        .has("queued", vec![]);
    world.has("running", rows![["a", "1", ago(-60)]]);
    world.has("env", rows![["a", ago(9000), true, 2]]);
    world
        .has("containers", rows![["a", "running"]])
        .has("polls", rows![["a", ago(10)]]);
    world
}

#[test]
fn an_idle_worker_fetches_within_two_minutes() {
    for (age, red) in [(119, false), (120, false), (121, true)] {
        let mut world = world();
        world.has("queued", rows![["a", "q", ago(age)], ["a", "r", ago(1)]]);
        assert_eq!(world.found() == "a:queued_not_claimed", red, "{age}");
    }
}

#[test]
fn a_full_pool_neither_fetches_nor_asks_and_a_lease_that_is_over_is_no_work() {
    let mut world = world();
    world
        .has("queued", rows![["a", "q", ago(500)]])
        .has("polls", rows![["a", ago(500)]]);
    world.has("running", rows![["a", "1", ago(-60)], ["a", "2", ago(-60)]]);
    assert_eq!(world.found(), "");
    world.has(
        "running",
        rows![["a", "1", ago(-60)], ["a", "2", ago(0)], ["a", "3", ()]],
    );
    assert_eq!(world.found(), "a:queued_not_claimed a:workers_silent");
    world.has("running", rows![["a", "1", "x"]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
}

#[test]
fn silence_counts_from_the_last_poll_or_the_start() {
    for (silence, red) in [(299, false), (300, false), (301, true)] {
        let mut world = world();
        world.has("polls", rows![["a", ago(silence)]]);
        assert_eq!(world.found() == "a:workers_silent", red, "{silence}");
        world
            .has("polls", vec![])
            .has("env", rows![["a", ago(silence), true, 2]]);
        assert_eq!(
            world.found() == "a:workers_silent",
            red,
            "since its start, {silence}"
        );
        world.has("polls", rows![["a", ago(9000)]]);
        assert_eq!(
            world.found() == "a:workers_silent",
            red,
            "the later one, {silence}"
        );
    }
    let mut world = world();
    world
        .has("polls", vec![])
        .has("env", rows![["a", (), true, 2]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
}

#[test]
fn a_container_without_the_flag_has_no_workers() {
    let mut world = world();
    world
        .has("env", rows![["a", ago(9000), false, 2]])
        .has("queued", rows![["a", "q", ago(500)]]);
    assert_eq!(world.found(), "a:workers_missing");
    world.has("env", rows![["a", ago(9000), (), ()]]);
    assert_eq!(
        world.found(),
        "a:workers_missing",
        "an environment without it"
    );
    world.has("env", rows![["a", ago(9000), "maybe", 2]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    world.has("env", rows![["a", ago(9000), true, ()]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
}

#[test]
fn a_stopped_pilot_is_red_once_work_has_waited() {
    for (age, red) in [(119, false), (120, false), (121, true)] {
        for stopped in [rows![["a", "exited"]], vec![]] {
            let mut world = world();
            world
                .has("containers", stopped)
                .has("queued", rows![["a", "q", ago(age)]]);
            assert_eq!(world.found() == "a:pilot_stopped", red, "{age}");
        }
    }
}

#[test]
fn who_does_not_pull_is_not_looked_at() {
    let mut world = world();
    world
        .has("roster", rows![["a", false]])
        .has("queued", rows![["a", "q", ago(500)]]);
    let said = world.judge();
    assert_eq!((said.keys().as_str(), said.examined), ("", 0));
}

#[test]
fn arms_go_on_without_each_other_and_hold_what_they_cannot_see() {
    let facets = format!("{FACETS}\nlocks = {{ source = 'db' }}");
    let arms = "
arm = [
  { shape = 'at_most', count = 'locks', limit = 1 },
  { shape = 'at_most', count = 'queued', limit = 0, kinds = { above = 'waiting' } },
]";
    let mut world = World::new(&facets, arms);
    world.has("locks", rows![["x"], ["y"]]).fails("queued");
    world.red.insert("a".to_owned());
    let said = world.judge();
    assert_eq!(said.keys(), "all:above");
    assert_eq!(said.blind_as("a"), Some(CauseKind::Unreachable));
    assert_eq!(said.blind_as("(waiting)"), Some(CauseKind::Unreachable));
    world.has("queued", rows![["a", "q", ago(1)]]);
    assert_eq!(world.found(), "a:waiting all:above");
}

#[test]
fn an_arm_that_is_well_closes_nothing_of_one_that_could_not_look() {
    use crate::{Only, Options, Reading, Snapshot, State, Table, judge, suspects};
    let facets = "a = { source = 'db', subject = 's' }\nb = { source = 'db', subject = 's' }";
    let text = format!(
        "[source.db]\nkind = 'command'\n[facet]\n{facets}\n[invariant.X]\n{}confirm = 'reread'\narm = [
  {{ shape = 'at_most', count = 'a', limit = 0 }},
  {{ shape = 'at_most', count = 'b', limit = 1, kinds = {{ above = 'many' }} }},
]",
        super::WORDS
    );
    let rules = crate::Rules::parse("test.toml", &text).expect("rules");
    let now = crate::Stamp::from_micros(0);
    let rows = |facet: &str| {
        let ask = rules.facets().iter().find(|one| one.ask().facet == facet);
        let mut table = Table::new(ask.expect("a facet").ask().columns.clone());
        table.push(["s", "1"].map(crate::Value::text));
        Reading::ok(table, now, now)
    };
    let cut = |a: Reading| crate::Cut::from([("a".to_owned(), a), ("b".to_owned(), rows("b"))]);
    let down = || Reading::not_run("gone", now);
    let run = |first: Reading, second: Reading, state: &State| {
        let snapshot = Snapshot::new(now, cut(first)).with_second(cut(second));
        judge(
            rules.invariants(),
            &Options::default(),
            &snapshot,
            state,
            &Only::All,
        )
    };
    let first = Snapshot::new(now, cut(rows("a")));
    let again = suspects(rules.invariants(), &first, &State::default(), &Only::All);
    assert_eq!(again.keys().collect::<Vec<_>>(), ["a", "b"]);
    let unread = run(rows("a"), down(), &State::default());
    assert!(!unread.report.verdicts["X"].is_judged());
    let red = run(rows("a"), rows("a"), &State::default()).state;
    assert!(red.standing("X").expect("it").is_red());
    let still = run(down(), down(), &red).state;
    assert!(still.standing("X").expect("it").is_red());
}

#[test]
fn an_instant_of_tomorrow_makes_nobody_young() {
    for ahead in [61, 999 * super::NOW] {
        let mut polled = world();
        polled.has("polls", rows![["a", ago(-ahead)]]);
        let mut started = world();
        started
            .has("polls", rows![["a", ()]])
            .has("env", rows![["a", ago(-ahead), true, 2]]);
        let mut queued = world();
        queued.has("queued", rows![["a", "q", ago(-ahead)]]);
        for mut world in [polled, started, queued] {
            assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Stale));
        }
    }
    let mut leased = world();
    leased.has("running", rows![["a", "1", ago(-999 * super::NOW)]]);
    assert_eq!(
        leased.judge().blind_as("a"),
        Some(CauseKind::Stale),
        "a lease for ever"
    );
}

#[test]
fn what_two_rows_say_otherwise_is_not_told_by_either() {
    for facet in ["roster", "env", "containers", "polls"] {
        let mut world = world();
        match facet {
            "roster" => world.has(facet, rows![["a", false], ["a", true]]),
            "env" => world.has(
                facet,
                rows![["a", ago(9), true, 2], ["a", ago(9), false, 2]],
            ),
            "containers" => world.has(facet, rows![["a", "running"], ["a", "exited"]]),
            _ => world.has(facet, rows![["a", ago(10)], ["a", ago(900)]]),
        };
        assert_eq!(
            world.judge().blind_as("a"),
            Some(CauseKind::Malformed),
            "{facet}"
        );
    }
}

/// One worker, whose run of twenty minutes ended so long ago; what waits does so for nineteen.
fn ended(seconds: i64) -> World {
    let mut world = World::new(FACETS, &format!("{POOL}\nended = 'done.at'"));
    world
        .has("roster", rows![["a", true]])
        .has("queued", rows![["a", "q", ago(1140)]])
        .has("running", vec![])
        .has("env", rows![["a", ago(90_000), true, 1]])
        .has("containers", rows![["a", "running"]])
        .has("polls", rows![["a", ago(1200)]])
        .has(
            "done",
            rows![
                ["a", "0", ago(5000)],
                ["a", "1", ago(seconds)],
                ["a", "2", ()],
                ["b", "3", ago(1)]
            ],
        );
    world
}

#[test]
fn who_has_just_ended_a_run_has_its_graces_from_then() {
    for (seconds, found) in [
        (1, ""),
        (120, ""),
        (121, "a:queued_not_claimed"),
        (300, "a:queued_not_claimed"),
        (301, "a:queued_not_claimed a:workers_silent"),
    ] {
        assert_eq!(ended(seconds).found(), found, "{seconds}");
    }
    let mut nobody = ended(1);
    nobody.has("done", rows![["b", "3", ago(1)]]);
    assert_eq!(
        nobody.found(),
        "a:queued_not_claimed a:workers_silent",
        "the run of somebody else excuses nobody"
    );
}

#[test]
fn an_end_that_cannot_be_read_or_is_to_come_excuses_nobody() {
    for (end, cause) in [
        (ago(-61), CauseKind::Stale),
        (ago(-999 * super::NOW), CauseKind::Stale),
        (super::Cell::cell("noon"), CauseKind::Malformed),
    ] {
        let mut world = ended(1);
        world.has("done", rows![["a", "1", end]]);
        assert_eq!(world.judge().blind_as("a"), Some(cause));
    }
}

#[test]
fn a_lease_of_more_than_a_day_keeps_nobody_busy() {
    for (ahead, blind) in [(86_400, None), (86_401, Some(CauseKind::Stale))] {
        let mut world = world();
        world.has("running", rows![["a", "1", ago(-ahead)]]);
        assert_eq!(world.judge().blind_as("a"), blind, "{ahead}");
    }
}
