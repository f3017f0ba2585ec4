use super::{World, ago, rows};
use crate::CauseKind;

const FACETS: &str = "
slots = { source = 'db', subject = 's', born = 'b' }
service = { source = 'db', subjects = 'roster', as = 'count' }
roster = { source = 'db', columns = { cap = 'int' } }
locks = { source = 'db' }";

const S02: &str = "shape = 'at_most'\ncount = 'slots'\nlimit = 'roster.cap'\nexempt = { column = 'id', prefix = 'drain-' }";

fn slots(count: usize) -> Vec<Vec<crate::Value>> {
    (0..count)
        .flat_map(|n| rows![["a", &*n.to_string(), ago(1)]])
        .collect()
}

#[test]
fn as_many_as_the_cap_hold_and_one_more_fires() {
    let mut world = World::new(FACETS, S02);
    world.has("roster", rows![["a", 3]]);
    for (count, red) in [(2, false), (3, false), (4, true)] {
        assert_eq!(
            world.has("slots", slots(count)).found() == "a:above",
            red,
            "{count}"
        );
    }
}

#[test]
fn sentinels_do_not_count_and_their_twin_does() {
    let mut world = World::new(FACETS, S02);
    world.has("roster", rows![["a", 1]]);
    world.has("slots", rows![["a", "1", ago(1)], ["a", "drain-a", ago(1)]]);
    assert_eq!(world.found(), "");
    world.has("slots", rows![["a", "1", ago(1)], ["a", "a-drain", ago(1)]]);
    assert_eq!(world.found(), "a:above");
}

#[test]
fn a_cap_that_is_missing_or_none_is_blind_unless_it_is_said_why_not() {
    let mut world = World::new(FACETS, S02);
    world.has("slots", slots(2));
    for cap in [
        rows![["a", ()]],
        rows![["a", "three"]],
        rows![["a", 1], ["a", 2]],
    ] {
        assert_eq!(
            world.has("roster", cap).judge().blind_as("a"),
            Some(CauseKind::Malformed)
        );
    }
    let ghost = world.has("roster", rows![["b", 1]]).judge();
    assert_eq!(ghost.blind_as("a"), Some(CauseKind::Malformed));
    let skip = format!("{S02}\nmissing = 'skip'\nbecause = 'a ghost is the matter of L-03'");
    let mut world = World::new(FACETS, &skip);
    world.has("slots", slots(2)).has("roster", rows![["b", 1]]);
    assert_eq!(world.found(), "");
}

#[test]
fn a_number_bounds_all_rows_together() {
    let mut world = World::new(FACETS, "shape = 'at_most'\ncount = 'locks'\nlimit = 2");
    assert_eq!(world.has("locks", rows![["x"], ["y"]]).found(), "");
    assert_eq!(
        world.has("locks", rows![["x"], ["y"], ["z"]]).found(),
        "all:above"
    );
}

#[test]
fn exactly_fires_on_both_sides() {
    let mut world = World::new(
        FACETS,
        "shape = 'exactly'\ncount = 'slots'\nlimit = 'roster.cap'",
    );
    world.has("roster", rows![["a", 2]]);
    assert_eq!(world.has("slots", slots(1)).found(), "a:below");
    assert_eq!(world.has("slots", slots(2)).found(), "");
    assert_eq!(world.has("slots", slots(3)).found(), "a:above");
    assert_eq!(world.has("slots", vec![]).found(), "a:below");
}

#[test]
fn who_has_none_of_those_that_are_asked_for_has_too_few_for_a_limit_for_everybody() {
    let rule =
        "shape = 'exactly'\ncount = 'slots'\nlimit = 1\nwhere = { column = 'id', in = ['7', '8'] }";
    let mut world = World::new(FACETS, rule);
    for (ids, found) in [
        (["7", "1"], ""),
        (["7", "8"], "a:above"),
        (["2", "1"], "a:below"),
    ] {
        let rows = ids.map(|id| rows![["a", id, ago(1)]]).concat();
        assert_eq!(world.has("slots", rows).found(), found, "{ids:?}");
    }
}

const B01: &str = "shape = 'agree'\nleft = 'service.count'\nright = 'slots'";

#[test]
fn two_counts_agree_or_differ_either_way() {
    let mut world = World::new(FACETS, B01);
    world.has("slots", slots(2));
    assert_eq!(world.has("service", rows![["a", 2]]).found(), "");
    assert_eq!(world.has("service", rows![["a", 1]]).found(), "a:differ");
    assert_eq!(world.has("service", rows![["a", 3]]).found(), "a:differ");
    assert_eq!(
        world
            .has("slots", vec![])
            .has("service", rows![["a", 0]])
            .found(),
        ""
    );
}

#[test]
fn a_side_that_says_nothing_is_blind_unless_that_is_said_to_be_right() {
    let mut world = World::new(FACETS, B01);
    world
        .has("slots", slots(2))
        .has("service", rows![["a", ()]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    world.has("service", vec![]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    let mut zero = World::new(FACETS, &format!("{B01}\nabsent = 'zero'"));
    assert_eq!(
        zero.has("slots", slots(2)).has("service", vec![]).found(),
        "a:differ"
    );
    let mut skip = World::new(
        FACETS,
        &format!("{B01}\nmissing = 'skip'\nbecause = 'not asked'"),
    );
    assert_eq!(
        skip.has("slots", slots(2))
            .has("service", rows![["a", ()]])
            .found(),
        ""
    );
}

#[test]
fn what_two_sides_say_is_compared_as_what_it_is_or_not_at_all() {
    let facets = "
l = { source = 'db', columns = { n = 'int' } }
r = { source = 'db', columns = { n = 'any' } }";
    let rule = "shape = 'agree'\nleft = 'l.n'\nright = 'r.n'";
    for (left, right, found, blind) in [
        (super::Cell::cell(5), "5", "", false),
        (super::Cell::cell(5), "6", "a:differ", false),
        (super::Cell::cell(5), "five", "a:differ", false),
        (super::Cell::cell(5), "5.0", "", true),
        (super::Cell::cell("5.0"), "5.0", "", true),
    ] {
        let mut world = World::new(facets, rule);
        world
            .has("l", rows![["a", left.clone()]])
            .has("r", rows![["a", right]]);
        let said = world.judge();
        let blinded = said.blind_as("a").map(|kind| kind == CauseKind::Malformed);
        assert_eq!(
            (&*said.keys(), blinded),
            (found, blind.then_some(true)),
            "{left:?} {right}"
        );
    }
}
