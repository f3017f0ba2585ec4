use super::{World, ago, rows};
use crate::CauseKind;

const FACETS: &str = "
queued = { source = 'db', subject = 's', born = 'b' }
slots = { source = 'db', subject = 's' }
roster = { source = 'db', columns = { cap = 'int', pull = 'bool' } }
fleet = { source = 'db', as = 'count' }
restart = { source = 'db', born = 'b' }
drain = { source = 'db', as = 'stamp', period = '60s' }";

const B02: &str = "
shape = 'waiting_implies'
work = 'queued'
capacity = { used = 'slots', limit = 'roster.cap', exclude = { column = 'id', prefix = 'drain-' } }
heartbeat = 'drain'
grace = '120s'
mode = { column = 'roster.pull', not = true }";

fn world(rule: &str) -> World {
    let mut world = World::new(FACETS, rule);
    world
        .has("roster", rows![["a", 2, false]])
        .has("queued", rows![["a", "q", ago(1)]]);
    world
        .has("slots", rows![["a", "1"]])
        .has("drain", rows![[ago(121)]]);
    world.has("fleet", rows![[9]]).has("restart", vec![]);
    world
}

#[test]
fn a_heartbeat_may_be_as_old_as_its_grace() {
    for (age, red) in [(-60, false), (119, false), (120, false), (121, true)] {
        assert_eq!(
            world(B02).has("drain", rows![[ago(age)]]).found() == "a:stalled",
            red,
            "{age}"
        );
    }
    assert_eq!(
        world(B02).has("drain", rows![[()]]).found(),
        "a:stalled",
        "never written"
    );
    assert_eq!(
        world(B02).has("drain", vec![]).found(),
        "a:stalled",
        "never written"
    );
    assert_eq!(
        world(B02)
            .has("drain", rows![["noon"]])
            .judge()
            .blind_as("a"),
        Some(CauseKind::Malformed)
    );
}

#[test]
fn without_work_or_without_room_nobody_waits() {
    assert_eq!(world(B02).has("queued", vec![]).found(), "");
    assert_eq!(
        world(B02)
            .has("slots", rows![["a", "1"], ["a", "2"]])
            .found(),
        ""
    );
    let sentinel = rows![["a", "1"], ["a", "drain-a"]];
    assert_eq!(
        world(B02).has("slots", sentinel).found(),
        "a:stalled",
        "a sentinel fills nothing"
    );
}

#[test]
fn the_fleet_may_allow_less_than_the_cap() {
    let rule = B02.replace("limit = 'roster.cap'", "limit = 'roster.cap', ceiling = 1");
    assert_eq!(world(&rule).found(), "");
    let rule = B02.replace(
        "limit = 'roster.cap'",
        "limit = 'roster.cap', ceiling = 'fleet.count'",
    );
    assert_eq!(world(&rule).found(), "a:stalled");
    assert_eq!(world(&rule).has("fleet", rows![[1]]).found(), "");
}

#[test]
fn who_pulls_is_not_pushed_and_a_ghost_is_not_ours() {
    assert_eq!(world(B02).has("roster", rows![["a", 2, true]]).found(), "");
    assert_eq!(
        world(B02).has("roster", rows![["a", 2, ()]]).found(),
        "a:stalled"
    );
    let nobody = world(B02).has("roster", vec![]).judge();
    assert_eq!(
        nobody.blind_as("a"),
        Some(CauseKind::Malformed),
        "who is in no mode is watched by nobody"
    );
    let said = format!("{B02}\nmissing = 'skip'\nbecause = 'L-03 finds the work of nobody'");
    let said = world(&said).has("roster", vec![]).judge();
    assert_eq!((said.keys().as_str(), said.blind.len()), ("", 0));
    assert_eq!(
        world(B02)
            .has("roster", rows![["a", (), false]])
            .judge()
            .blind_as("a"),
        Some(CauseKind::Malformed)
    );
}

#[test]
fn a_start_excuses_an_old_heartbeat_once() {
    let rule = format!("{B02}\nepoch = 'restart'");
    let mut world = world(&rule);
    world.has("restart", rows![["boot-1", ago(20)]]);
    assert_eq!(world.found(), "", "it has only just begun");
    assert_eq!(world.later(60).found(), "", "and still has");
    assert_eq!(world.later(41).found(), "a:stalled", "121 s after it began");
    world.has("restart", rows![["boot-2", ago(-100)]]);
    assert_eq!(
        world.found(),
        "a:stalled",
        "who starts over and over does no work"
    );
    world.has("drain", rows![[ago(-100)]]);
    assert_eq!(world.found(), "");
}

#[test]
fn an_empty_queue_is_the_witness() {
    let mut world = world(B02);
    world.red.insert("a".to_owned());
    assert!(world.has("queued", vec![]).judge().held.contains("a"));
    assert!(
        world.gap("queued", "a").judge().held.is_empty(),
        "but not one that nobody saw"
    );
}

#[test]
fn a_heartbeat_of_tomorrow_is_no_heartbeat() {
    // Milliseconds where seconds are read, and a clock that is a minute ahead.
    let thousandfold = ago(-999 * super::NOW);
    for beat in [thousandfold, ago(-61)] {
        let said = world(B02).has("drain", rows![[beat]]).judge();
        assert_eq!(said.blind_as("a"), Some(CauseKind::Stale));
    }
    let rule = format!("{B02}\nepoch = 'restart'");
    for (born, found) in [(-60, ""), (-61, "a:stalled")] {
        let mut world = world(&rule);
        world.has("restart", rows![["boot-1", ago(born)]]);
        assert_eq!(world.found(), found, "{born}");
    }
}

#[test]
fn two_modes_of_one_subject_are_none_in_either_order() {
    for modes in [[false, true], [true, false]] {
        let roster = rows![["a", 2, modes[0]], ["a", 2, modes[1]]];
        let said = world(B02).has("roster", roster).judge();
        assert_eq!(said.blind_as("a"), Some(CauseKind::Malformed), "{modes:?}");
        assert_eq!(said.keys(), "");
    }
    let twice = rows![["a", 2, false], ["a", 2, false]];
    assert_eq!(world(B02).has("roster", twice).found(), "a:stalled");
}

#[test]
fn a_mode_or_a_room_that_cannot_be_read_is_blind_for_every_arm() {
    let facets = FACETS.replace("pull = 'bool'", "pull = 'int'");
    for mode in ["equals = 1", "not = 1"] {
        let rule = B02.replace("not = true", mode);
        for cell in [super::Cell::cell("True"), super::Cell::cell("1.0")] {
            let mut world = World::new(&facets, &rule);
            world
                .has("queued", rows![["a", "q", ago(1)]])
                .has("slots", vec![])
                .has("drain", rows![[ago(121)]])
                .has("roster", rows![["a", 2, cell.clone()]]);
            assert_eq!(
                world.judge().blind_as("a"),
                Some(CauseKind::Malformed),
                "{mode} {cell:?}"
            );
        }
    }
    let alone = B02.replace("mode = { column = 'roster.pull', not = true }", "");
    assert_eq!(world(&alone).found(), "a:stalled");
    let nobody = world(&alone).has("roster", vec![]).judge();
    assert_eq!(
        nobody.blind_as("a"),
        Some(CauseKind::Malformed),
        "nobody knows how much room"
    );
}
