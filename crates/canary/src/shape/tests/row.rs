use super::{World, ago, micros_ago, rows};
use crate::{CauseKind, Fact};

const FACETS: &str = "
done = { source = 'db', subject = 's', columns = { status = 'text', started = 'time', completed = 'time' } }
queued = { source = 'db', subject = 's', born = 'b', columns = { meta = 'text' } }";

const E03: &str = "shape = 'row'\nof = 'done'\nwhere = { column = 'status', not = 'skipped' }\nbad = [{ kind = 'no_end', column = 'completed', null = true }]";

#[test]
fn an_ended_row_has_its_end_and_the_skipped_are_exempt() {
    let mut world = World::new(FACETS, E03);
    world.has(
        "done",
        rows![
            ["a", "1", "failed", ago(9), ago(1)],
            ["a", "2", "skipped", ago(9), ()]
        ],
    );
    assert_eq!(world.found(), "");
    world.has("done", rows![["a", "2", "failed", ago(9), ()]]);
    assert_eq!(world.found(), "a:no_end");
}

const G03: &str = "
shape = 'row'
of = 'done'
bad = [{ kind = 'skew', column = 'started', after = 'completed', by = '1s' }]
missing = 'skip'
because = 'E-03 owns what has no end'";

#[test]
fn an_end_may_lie_a_second_before_the_beginning() {
    for (skew, red) in [(999_999, false), (1_000_000, false), (1_000_001, true)] {
        let mut world = World::new(FACETS, G03);
        world.has(
            "done",
            rows![["a", "1", "x", ago(9), micros_ago(9_000_000 + skew)]],
        );
        assert_eq!(world.found() == "a:skew", red, "{skew}");
    }
    let mut world = World::new(FACETS, G03);
    world.has("done", rows![["a", "1", "x", ago(9), ()]]);
    assert_eq!(world.found(), "");
    world.has("done", rows![["a", "1", "x", ago(9), "then"]]);
    assert_eq!(world.judge().blind_as("a"), Some(CauseKind::Malformed));
    let strict = G03.lines().take(4).collect::<Vec<_>>().join("\n");
    let mut world = World::new(FACETS, &strict);
    world.has("done", rows![["a", "1", "x", ago(9), ()]]);
    assert_eq!(
        world.judge().blind_as("a"),
        Some(CauseKind::Malformed),
        "the twin without a reason"
    );
}

const E04: &str = "
shape = 'row'
of = 'queued'
bad = [
  { kind = 'queued_at_null', column = 'born', null = true },
  { kind = 'metadata_null', column = 'meta', null = true },
  { kind = 'metadata_invalid', column = 'meta', json = false },
]";

#[test]
fn each_reason_is_a_kind_and_the_first_is_said() {
    let cases = [
        (rows![["a", "1", ago(1), "{}"]], ""),
        (rows![["a", "1", (), "{}"]], "a:queued_at_null"),
        (rows![["a", "1", ago(1), ()]], "a:metadata_null"),
        (rows![["a", "1", ago(1), "{"]], "a:metadata_invalid"),
        (rows![["a", "1", ago(1), ""]], "a:metadata_invalid"),
        (rows![["a", "1", (), ()]], "a:queued_at_null"),
    ];
    for (rows, kinds) in cases {
        assert_eq!(World::new(FACETS, E04).has("queued", rows).found(), kinds);
    }
}

const G04: &str =
    "shape = 'row'\nof = 'queued'\nbad = [{ kind = 'credential', column = 'meta', secret = true }]";

#[test]
fn a_credential_is_told_by_the_name_of_its_pattern_alone() {
    let mut world = World::new(FACETS, G04);
    world.has(
        "queued",
        rows![["a", "1", ago(1), "{\"env\":\"ghp_0123456789abcdef0123\"}"]],
    );
    let said = world.judge();
    assert_eq!(said.keys(), "a:credential");
    assert_eq!(said.findings[0].facts["pattern"], Fact::id("ghp_"));
    assert!(!format!("{:?}", said.findings).contains("0123456789"));
    world.has(
        "queued",
        rows![[
            "a",
            "1",
            ago(1),
            "{\"media_type\":\"image/png\",\"data\":\"AIza0123456789abcdef\"}"
        ]],
    );
    assert_eq!(world.found(), "");
}

#[test]
fn columns_are_compared_with_each_other() {
    let facets = "locks = { source = 'db', columns = { held = 'int', path = 'int' } }";
    let rule = "shape = 'row'\nof = 'locks'\nbad = [{ kind = 'unlinked', column = 'held', differs = 'path' }]";
    let mut world = World::new(facets, rule);
    assert_eq!(world.has("locks", rows![["x", 7, 7]]).found(), "");
    assert_eq!(world.has("locks", rows![["x", 7, 8]]).found(), "x:unlinked");
}
