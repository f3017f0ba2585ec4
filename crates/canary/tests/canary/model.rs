use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use runward_canary::engine::{Change, Report};
use runward_canary::{Only, Options, Snapshot, State, judge};

use crate::harness::*;

/// What happens to one facet in one cycle.
#[derive(Clone, Debug)]
enum Says {
    Down,
    Rows(Vec<Line>),
}

const SUBJECTS: [&str; 3] = ["x", "y", "z"];
const SAYINGS: [&str; 6] = ["held", "found", "minor", "blind", "quiet", "dwell"];
const RARE: [&str; 2] = ["panic", "unjudged"];

fn line() -> impl Strategy<Value = Line> {
    let what = prop_oneof![
        20 => prop::sample::select(SAYINGS.to_vec()),
        1 => prop::sample::select(RARE.to_vec()),
    ];
    let element = prop::sample::select(vec!["", "e1", "e2"]);
    let kind = prop::sample::select(vec!["a", "b"]);
    let subject = prop::sample::select(SUBJECTS.to_vec());
    let line = (subject, kind, what, element);
    line.prop_map(|(subject, kind, what, element)| match what {
        // One thing is of one generation at a time.
        "dwell" => (subject, kind, what, "g1"),
        _ => (subject, kind, what, element),
    })
}

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![
        1 => Just(Says::Down),
        4 => prop::collection::vec(line(), 0..5).prop_map(Says::Rows),
    ]
}

/// Cycles of three facets each: what they say, and what the second look at the last says.
fn cycles() -> impl Strategy<Value = Vec<[Says; 4]>> {
    let cycle = [says(), says(), says(), says()];
    prop::collection::vec(cycle, 1..12)
}

fn read(seconds: i64, says: &Says) -> runward_canary::Reading {
    match says {
        Says::Down => down(seconds),
        Says::Rows(lines) => reading(seconds, lines),
    }
}

fn snapshot(seconds: i64, [jobs, slots, roster, again]: &[Says; 4]) -> Snapshot {
    let at = |says| read(seconds, says);
    let first = cut([
        ("jobs", at(jobs)),
        ("slots", at(slots)),
        ("roster", at(roster)),
    ]);
    Snapshot::new(self::at(seconds), first).with_second(cut([("roster", at(again))]))
}

fn snapshots(cycles: &[[Says; 4]]) -> Vec<Snapshot> {
    let stamped = cycles.iter().zip(0..);
    stamped
        .map(|(cycle, index)| snapshot(index * 300, cycle))
        .collect()
}

fn world() -> World {
    let sustained = terms(|terms| terms.sustained = Some(secs(600)));
    World::of(vec![
        on("X", "jobs", terms(|_| {})),
        on("Y", "slots", sustained),
        on("Z", "roster", terms(|terms| terms.reread = true)),
    ])
}

/// The red keys of an invariant.
fn red(state: &State, id: &str) -> BTreeSet<(String, String)> {
    let standing = state.standing(id).into_iter();
    let keys = standing.flat_map(runward_canary::engine::Standing::red);
    keys.map(|(kind, subject, _)| (kind.to_owned(), subject.to_owned()))
        .collect()
}

/// The red keys after a report, by its transitions alone.
fn follow(
    before: &BTreeSet<(String, String)>,
    report: &Report,
    id: &str,
) -> BTreeSet<(String, String)> {
    let mut keys = before.clone();
    for one in report.transitions.iter().filter(|one| one.invariant == id) {
        let Some(key) = one.change.key() else {
            continue;
        };
        let pair = (key.kind.clone(), key.subject.clone());
        match &one.change {
            Change::Opened(_) => assert!(
                keys.is_empty() && keys.insert(pair),
                "opened while it was red"
            ),
            Change::Joined(_) => assert!(
                !keys.is_empty() && keys.insert(pair),
                "joined nothing, or twice"
            ),
            Change::Worsened { .. } => assert!(keys.contains(&pair)),
            Change::Closed { over, .. } => assert!(keys.remove(&pair) && *over == keys.is_empty()),
            _ => unreachable!(),
        }
    }
    keys
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Whoever follows the transitions knows what is red: never silent from green to red, at most one opening an episode.
    #[test]
    fn the_transitions_say_all_that_changes(cycles in cycles()) {
        let mut world = world();
        let mut known: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
        for snapshot in snapshots(&cycles) {
            let report = world.judge(&snapshot);
            for id in report.verdicts.keys() {
                let keys = follow(known.entry(id.clone()).or_default(), &report, id);
                prop_assert_eq!(&keys, &red(&world.state, id));
                prop_assert_eq!(report.verdicts[id].red, keys.len() as u64);
                for finding in report.verdicts[id].findings() {
                    prop_assert!(keys.contains(&(finding.kind.clone(), finding.subject.clone())), "a finding that is not red");
                }
                known.insert(id.clone(), keys);
            }
        }
    }

    /// What could not be judged opens nothing and closes nothing, as a whole and subject by subject.
    #[test]
    fn unjudged_moves_nothing(cycles in cycles()) {
        let mut world = world();
        for snapshot in snapshots(&cycles) {
            let before: BTreeMap<_, _> = ["X", "Y", "Z"].map(|id| (id, red(&world.state, id))).into();
            let report = world.judge(&snapshot);
            for (id, before) in before {
                let verdict = &report.verdicts[id];
                let after = red(&world.state, id);
                let nothing = verdict.cause().is_some() && verdict.blind.is_empty();
                let moved = before.symmetric_difference(&after);
                for (_, subject) in moved {
                    prop_assert!(!nothing && !verdict.blind.contains_key(subject), "{} {}: {:?}", id, subject, verdict);
                }
            }
        }
    }

    /// A cycle of some and then one of the others is one of all, as far as the invariants go.
    #[test]
    fn a_filtered_cycle_commutes(cycles in cycles(), mask in 0_u8..8) {
        let ids = |wanted: bool| {
            let picked = ["X", "Y", "Z"].into_iter().zip(0..).filter(|(_, bit)| (mask >> bit & 1 == 1) == wanted);
            Only::Ids(picked.map(|(id, _)| id.to_owned()).collect())
        };
        let world = world();
        let (mut whole, mut parts) = (State::default(), State::default());
        let options = Options::default();
        let all = Only::Ids(["X", "Y", "Z"].map(str::to_owned).into());
        for snapshot in snapshots(&cycles) {
            let step = |state: &State, only: &Only| judge(&world.invariants, &options, &snapshot, state, only);
            let one = step(&step(&parts, &ids(true)).state, &ids(false)).state;
            let other = step(&step(&parts, &ids(false)).state, &ids(true)).state;
            whole = step(&whole, &all).state;
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(&one, &whole);
            parts = one;
        }
    }

    /// Rows and invariants may come in any order.
    #[test]
    fn any_order_gives_the_same_bytes(cycles in cycles(), turn in 0_usize..5) {
        let (mut straight, mut turned) = (world(), world());
        turned.invariants.reverse();
        let mut other = cycles.clone();
        for says in other.iter_mut().flatten() {
            if let Says::Rows(lines) = says {
                lines.reverse();
                let by = turn.min(lines.len());
                lines.rotate_left(by);
            }
        }
        for (one, two) in snapshots(&cycles).iter().zip(&snapshots(&other)) {
            let (one, two) = (straight.judge(one), turned.judge(two));
            prop_assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&two).unwrap());
            prop_assert_eq!(straight.state.to_json(), turned.state.to_json());
        }
    }

    /// Files in between change nothing.
    #[test]
    fn what_is_written_and_read_back_goes_on_the_same(cycles in cycles()) {
        let (mut kept, mut filed) = (world(), world());
        for snapshot in snapshots(&cycles) {
            let back = Snapshot::from_json(&snapshot.to_json()).unwrap();
            prop_assert_eq!(kept.judge(&snapshot), filed.judge(&back));
            filed.state = State::from_json(&filed.state.to_json()).unwrap();
            prop_assert_eq!(&kept.state, &filed.state);
        }
    }
}
