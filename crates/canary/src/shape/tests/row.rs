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

const CELLS: &str = "
t = { source = 'db', columns = { i = 'int', b = 'bool', w = 'time', t = 'text', a = 'any' } }";

/// What a condition says of a cell: a finding, none, or that it cannot be told.
fn told(condition: &str, cell: &crate::Value) -> &'static str {
    let column = &condition[..1];
    let test = &condition[2..];
    let rule =
        format!("shape = 'row'\nof = 't'\nbad = [{{ kind = 'bad', column = '{column}', {test} }}]");
    let mut row = rows![["x", (), (), (), (), ()]];
    let place = "-ibwta".find(column).expect("a column");
    row[0][place] = cell.clone();
    let said = World::new(CELLS, &rule).has("t", row).judge();
    match (said.keys().as_str(), said.blind_as("x")) {
        ("x:bad", None) => "yes",
        ("", None) if said.examined == 1 => "no",
        ("", Some(CauseKind::Malformed)) if said.examined == 0 => "blind",
        other => panic!("{condition} {cell:?}: {other:?}"),
    }
}

#[test]
fn what_cannot_be_compared_is_blind_and_neither_good_nor_bad() {
    use crate::Value;
    let text = |text: &str| Value::text(text);
    for (condition, cell, says) in [
        ("i equals = 5", Value::Int(5), "yes"),
        ("i equals = 5", Value::Int(6), "no"),
        ("i equals = 5", Value::Null, "no"),
        ("i equals = 5", text("5.0"), "blind"),
        ("i equals = 5", text("NaN"), "blind"),
        ("i equals = 5", text("1e300"), "blind"),
        ("i equals = 5", text(""), "blind"),
        ("i not = 5", text("5.0"), "blind"),
        ("i not = 5", Value::Int(6), "yes"),
        ("i in = [4, 5]", text("x"), "blind"),
        ("i not_in = [4, 5]", text("x"), "blind"),
        ("i null = true", text("x"), "blind"),
        ("i null = false", text("x"), "blind"),
        ("i null = true", Value::Null, "yes"),
        ("i set = true", text("x"), "blind"),
        ("i set = false", text(""), "yes"),
        ("i set = false", Value::Null, "yes"),
        ("i differs = 'a'", text("x"), "blind"),
        ("b equals = true", Value::Bool(true), "yes"),
        ("b equals = true", Value::Int(1), "yes"),
        ("b equals = true", Value::Int(7), "blind"),
        ("b equals = true", text("yes"), "blind"),
        ("b equals = 'True'", Value::Bool(true), "yes"),
        ("w null = true", text("noon"), "blind"),
        ("w before = 'now'", text("noon"), "blind"),
        ("w set = true", ago(1), "yes"),
        ("w set = true", text(""), "no"),
        ("t equals = true", text("True"), "yes"),
        ("t equals = true", text("f"), "no"),
        ("t equals = true", text("maybe"), "blind"),
        ("t equals = 'ok'", text("no"), "no"),
        ("t not = 5", text("five"), "yes"),
        ("t equals = 5", text("5"), "yes"),
        ("t equals = 5", text("5.0"), "blind"),
        ("a equals = 5", text("5.0"), "blind"),
        ("a equals = true", Value::Int(2), "blind"),
        ("a matches = '23'", Value::Int(1234), "yes"),
        ("a matches = '9'", Value::Int(1234), "no"),
        ("a json = false", Value::Int(7), "no"),
        ("a prefix = 'tr'", Value::Bool(true), "yes"),
    ] {
        assert_eq!(told(condition, &cell), says, "{condition} {cell:?}");
    }
}

#[test]
fn a_row_whose_filter_cannot_be_read_does_not_drop_out() {
    let rule = "shape = 'row'\nof = 't'\nwhere = { column = 'b', equals = true }\nbad = [{ kind = 'bad', column = 't', equals = 'bad' }]";
    let mut world = World::new(CELLS, rule);
    world.has("t", rows![["x", (), true, (), "bad", ()]]);
    assert_eq!(world.found(), "x:bad");
    world.red.insert("x".to_owned());
    for cell in ["enabled", "yes", ""] {
        world.has("t", rows![["x", (), cell, (), "bad", ()]]);
        let said = world.judge();
        assert_eq!(said.blind_as("x"), Some(CauseKind::Malformed), "{cell}");
        assert!(said.held.is_empty(), "and so what is red stays so");
    }
    world.has("t", rows![["x", (), false, (), "bad", ()]]);
    assert_eq!(world.found(), "", "the twin that is out for sure");
}
