//! Who is reaped, and who is not: an orphan and a live one in each test.

use runward_janitor::{Outcome, Verdict};

use crate::harness::{World, row, word};

#[test]
fn orphan_is_reaped_and_live_run_is_left_alone() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    let mut run = world.peer();
    run.hold("shop-2");
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "shop-1"), "orphan");
    assert_eq!(word(&plan, "thing", "shop-2"), "held");
    assert!(
        row(&plan, "state", "shop-2")
            .reason()
            .to_string()
            .contains("run peer"),
        "{plan}"
    );
    assert!(report.is_clean(), "{report}");
    assert_eq!(world.has("shop-1"), [false; 3], "{report}");
    assert_eq!(world.has("shop-2"), [true; 3], "{report}");
    let outcomes: Vec<_> = report
        .items()
        .iter()
        .map(|item| (item.kind(), item.outcome()))
        .collect();
    let reaped = &Outcome::Reaped;
    assert_eq!(
        outcomes,
        [("thing", reaped), ("state", reaped), ("lock", reaped)]
    );
    assert!(
        plan.rows()
            .iter()
            .all(|row| row.verdict() == Verdict::Keep || row.name().as_str() == "shop-1")
    );
}
