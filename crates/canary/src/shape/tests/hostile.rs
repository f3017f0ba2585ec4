use proptest::prelude::*;

use super::{World, ago, rows};
use crate::{Fact, Value};

const FACETS: &str = "
left = { source = 'db', subject = 's', born = 'b', columns = { text = 'text', next = 'time' } }
right = { source = 'db', subject = 's', born = 'b' }
roster = { source = 'db', columns = { cap = 'int' } }
drain = { source = 'db', as = 'stamp', period = '60s' }";

const RULES: [&str; 8] = [
    "shape = 'same_ids'\nleft = 'left'\nright = 'right'\ngrace = '3s'",
    "shape = 'at_most'\ncount = 'left'\nlimit = 'roster.cap'",
    "shape = 'age_below'\nof = 'left'\nlimit = '60s'",
    "shape = 'within_then'\nof = 'left'\nwithin = '60s'\nthen = 'text'",
    "shape = 'row'\nof = 'left'\nbad = [{ kind = 'k', column = 'text', matches = '^x' }, { kind = 's', column = 'text', secret = true }]",
    "shape = 'refers'\nrefs = ['left']\nto = ['roster']",
    "shape = 'agree'\nleft = 'left'\nright = 'right'",
    "shape = 'dwell'\nof = 'left'\ngeneration = 'text'\nmin = '0s'",
];

#[test]
fn hostile_text_does_no_harm_and_facts_stay_small() {
    let long =
        "\u{202e}x\n\0'; DROP TABLE agents; -- $(rm) .*+?(){}[]^|\\ <!channel> ".repeat(20_000);
    for rule in RULES {
        let mut world = World::new(FACETS, rule);
        world.has(
            "left",
            rows![
                [&*long, &*long, ago(99), &*long, ()],
                ["a", "1", &*long, "x", &*long]
            ],
        );
        world
            .has("right", rows![[&*long, "other", ago(99)]])
            .has("roster", rows![["a", 0]]);
        world.has("drain", vec![]);
        let said = world.judge();
        for found in &said.findings {
            for fact in found.facts.values() {
                assert!(format!("{fact:?}").len() < 20_000, "{rule}");
                if let Fact::Id(id) = fact {
                    assert!(!id.contains(['\n', '\0', '\u{202e}']), "{rule}");
                }
            }
        }
    }
}

fn cell() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::text("x")),
        Just(Value::text("")),
        (0..200_i64).prop_map(ago),
        any::<i64>().prop_map(|micros| Value::Time(crate::Stamp::from_micros(micros))),
        any::<i64>().prop_map(Value::Int),
    ]
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    let name = || {
        prop_oneof![
            Just(Value::text("a")),
            Just(Value::text("b")),
            Just(Value::Null)
        ]
    };
    (name(), "[1-4]", cell(), cell(), cell()).prop_map(|(subject, id, born, text, next)| {
        vec![subject, Value::text(id), born, text, next]
    })
}

/// Rows of one subject have different ids, as those of a source have.
fn rows_once(rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let mut known = std::collections::BTreeSet::new();
    rows.into_iter()
        .filter(|row| known.insert((row[0].clone(), row[1].clone())))
        .collect()
}

proptest! {
    #[test]
    fn any_order_of_rows_gives_the_same_findings(
        left in proptest::collection::vec(row(), 0..12).prop_map(rows_once),
        right in proptest::collection::vec(row(), 0..12).prop_map(rows_once),
    ) {
        for rule in RULES {
            let said = [false, true].map(|reversed| {
                let mut world = World::new(FACETS, rule);
                let (mut left, mut right) = (left.clone(), right.clone());
                if reversed {
                    left.reverse();
                    right.reverse();
                }
                world.has("left", left).has("right", right).has("roster", rows![["a", 1], ["b", 2]]);
                let said = world.judge();
                (said.findings, said.blind, said.examined, said.arms)
            });
            prop_assert_eq!(&said[0], &said[1]);
        }
    }
}
