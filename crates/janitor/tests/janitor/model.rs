//! Whatever is found in whatever order, and whatever changes in between: nothing is reaped whose lock is held, nothing that is not
//! ours, nothing that is protected, nothing outside the allow-list; and each object has its row.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::*;
use runward_janitor::{
    Allow, Fault, Found, Janitor, Mark, Permit, Policy, Progress, Protect, Report, Step, Sweep,
    Verdict,
};
use runward_lock::{Locks as _, Name, Request, quiet};

use crate::harness::hang_guard;
use crate::memory::{Memory, Taken};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    name: usize,
    number: u8,
    ours: bool,
    protected: bool,
}

/// What happens at a given call of the sweep.
#[derive(Clone, Debug)]
enum Change {
    Hold(usize),
    Release(usize),
    Appear(Object),
}

struct World {
    memory: Memory,
    objects: RefCell<Vec<Object>>,
    held: RefCell<Vec<Taken>>,
    changes: RefCell<Vec<Change>>,
    reaped: RefCell<Vec<Object>>,
    wrong: RefCell<Vec<String>>,
}

struct Kind<'w> {
    world: &'w World,
    word: &'static str,
    parity: u8,
}

/// The last one is outside the allow-list.
fn name(number: usize) -> Name {
    let text = ["app-a", "app-b", "app-c", "app-d", "other"][number];
    Name::new(text).unwrap()
}

impl World {
    fn change(&self) {
        let Some(change) = self.changes.borrow_mut().pop() else {
            return;
        };
        match change {
            Change::Hold(number) => {
                let request = Request::new().wait(runward_lock::Wait::Never);
                let taken = self.memory.acquire(&name(number), &request, &mut quiet);
                self.held.borrow_mut().extend(taken);
            }
            Change::Release(number) => self
                .held
                .borrow_mut()
                .retain(|taken| *runward_lock::Hold::name(taken) != name(number)),
            Change::Appear(object) => {
                // A live run makes things, and so does an orphan of a dead one.
                let same =
                    |other: &Object| (other.name, other.number) == (object.name, object.number);
                let mut objects = self.objects.borrow_mut();
                if !objects.iter().any(same) {
                    objects.push(object);
                }
            }
        }
    }

    fn is_held(&self, number: usize) -> bool {
        let held = self.held.borrow();
        held.iter()
            .any(|taken| *runward_lock::Hold::name(taken) == name(number))
    }
}

impl Kind<'_> {
    fn found(&self, object: &Object) -> Found {
        let mark = if object.ours {
            Mark::Ours
        } else {
            Mark::Missing("no label".into())
        };
        let found = Found::new(
            name(object.name),
            format!("{}-{}", object.name, object.number),
            mark,
        );
        if object.protected {
            found.protected(Protect::always("test"))
        } else {
            found
        }
    }

    fn all(&self) -> Vec<Object> {
        let objects = self.world.objects.borrow();
        objects
            .iter()
            .filter(|o| o.number % 2 == self.parity)
            .cloned()
            .collect()
    }
}

impl Sweep for Kind<'_> {
    fn kind(&self) -> &str {
        self.word
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        self.world.change();
        Ok(self.all().iter().map(|object| self.found(object)).collect())
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        vec![Step::new("remove")]
    }

    fn reap(&self, found: &Found, _: &Step, permit: &Permit<'_>) -> Result<Progress, Fault> {
        permit.check()?;
        let gone: Vec<Object> = self
            .all()
            .into_iter()
            .filter(|o| self.found(o).id() == found.id())
            .collect();
        for object in gone {
            if self.world.is_held(object.name) {
                self.world
                    .wrong
                    .borrow_mut()
                    .push(format!("{object:?} while its lock is held"));
            }
            self.world
                .objects
                .borrow_mut()
                .retain(|other| *other != object);
            self.world.reaped.borrow_mut().push(object);
        }
        self.world.change();
        Ok(Progress::Done)
    }
}

fn object() -> impl Strategy<Value = Object> {
    (
        0..5_usize,
        0..4_u8,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(name, number, ours, protected)| Object {
            name,
            number,
            ours,
            protected,
        })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..5_usize).prop_map(Change::Hold),
        (0..5_usize).prop_map(Change::Release),
        object().prop_map(Change::Appear),
    ]
}

fn world(objects: BTreeSet<Object>, held: &[usize], changes: Vec<Change>) -> World {
    let mut unique: Vec<Object> = objects.into_iter().collect();
    unique.dedup_by_key(|object| (object.name, object.number));
    let world = World {
        memory: Memory::default(),
        objects: RefCell::new(unique),
        held: RefCell::default(),
        changes: RefCell::default(),
        reaped: RefCell::default(),
        wrong: RefCell::default(),
    };
    for number in held {
        world.changes.borrow_mut().push(Change::Hold(*number));
        world.change();
    }
    world.changes.replace(changes);
    world
}

fn sweep(world: &World) -> (runward_janitor::Plan, Vec<usize>, Report) {
    let home = tempfile::tempdir().unwrap();
    let policy =
        Policy::new(Allow::patterns(["app-[a-d]"]).unwrap()).pause(std::time::Duration::ZERO);
    let kind = |word, parity| Kind {
        world,
        word,
        parity,
    };
    let janitor = Janitor::new(&world.memory, policy, home.path().join("home"))
        .sweep(kind("even", 0))
        .sweep(kind("odd", 1));
    let plan = janitor.plan().unwrap();
    let held_then = (0..5).filter(|number| world.is_held(*number)).collect();
    let report = janitor.execute(&plan).unwrap();
    (plan, held_then, report)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_reaped_that_may_not_be(
        objects in prop::collection::btree_set(object(), 0..12),
        held in prop::collection::vec(0..5_usize, 0..4),
        changes in prop::collection::vec(change(), 0..10),
    ) {
        let _hang = hang_guard();
        let world = world(objects, &held, changes);
        let (plan, held_then, report) = sweep(&world);
        prop_assert!(world.wrong.borrow().is_empty(), "{:?}\n{plan}", world.wrong.borrow());
        for row in plan.reaps() {
            let held = held_then.iter().any(|number| name(*number) == *row.name());
            prop_assert!(!held, "{row}");
        }
        for object in world.reaped.borrow().iter() {
            prop_assert!(object.ours && !object.protected && object.name < 4, "{object:?}\n{plan}{report}");
        }
    }

    #[test]
    fn what_stays_the_same_is_judged_the_same_in_any_order(
        objects in prop::collection::btree_set(object(), 0..12),
        held in prop::collection::btree_set(0..5_usize, 0..4),
        order in any::<prop::sample::Index>(),
    ) {
        let held: Vec<usize> = held.into_iter().collect();
        let one = world(objects.clone(), &held, Vec::new());
        let other = world(objects, &held, Vec::new());
        let count = other.objects.borrow().len();
        if count > 0 {
            other.objects.borrow_mut().rotate_left(order.index(count));
        }
        let total = one.objects.borrow().len();
        let (plan, _, report) = sweep(&one);
        let (again, ..) = sweep(&other);
        prop_assert_eq!(plan.to_json(), again.to_json());
        let rows = plan.rows().iter().filter(|row| row.kind() != "lock").count();
        prop_assert_eq!(rows, total, "a row for each object");
        prop_assert!(report.is_clean(), "{}", report);
        let reaps = plan.reaps().filter(|row| row.kind() != "lock").count();
        prop_assert_eq!(reaps, one.reaped.borrow().len());
        let kept = plan.rows().iter().filter(|row| row.verdict() == Verdict::Keep);
        prop_assert!(kept.count() + plan.reaps().count() == plan.rows().len());
    }
}
