use std::time::Instant;

use runward_canary::{Column, Cut, Kind, Reading, Snapshot, Table, Value};

use crate::harness::*;

fn many(count: usize, bad: usize) -> Snapshot {
    let names = ["subject", "kind", "say", "element"];
    let mut table = Table::new(names.map(|name| Column::new(name, Kind::Text)));
    for index in 0..count {
        let say = if index < bad { "found" } else { "held" };
        table.push([format!("subject-{index}").as_str(), "a", say, ""].map(Value::text));
    }
    let cut = Cut::from([("jobs".to_owned(), Reading::ok(table, at(0), at(0)))]);
    Snapshot::new(at(0), cut)
}

#[test]
fn what_is_green_takes_no_room() {
    let size = |count, bad| {
        let mut world = World::new(terms(|_| {}));
        let report = world.judge(&many(count, bad));
        (
            world.state.to_json().len(),
            serde_json::to_string(&report).unwrap().len(),
        )
    };
    let (small, large) = (size(10, 3), size(100_000, 3));
    // The same but for the digits of how many were looked at.
    assert!(
        large.0 == small.0 && large.1 <= small.1 + 16,
        "{small:?} {large:?}"
    );
}

#[test]
fn the_time_grows_with_the_subjects_and_no_faster() {
    let time = |count: usize, bad: usize| {
        let snapshot = many(count, bad);
        let once = || {
            let mut world = World::new(terms(|_| {}));
            let begun = Instant::now();
            world.judge(&snapshot);
            world.judge(&snapshot);
            begun.elapsed()
        };
        (0..3).map(|_| once()).min().unwrap()
    };
    for bad in [0, 1] {
        let (small, large) = (time(10_000, bad * 10_000), time(100_000, bad * 100_000));
        // Ten times the subjects; a square would be a hundred times.
        assert!(
            large < small * 40,
            "{small:?} for 10,000, {large:?} for 100,000"
        );
    }
}
