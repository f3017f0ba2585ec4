use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use runward_canary::{
    Ask, Collector, Column, Context, Error, ErrorKind, Kind, Reading, Setting, Snapshot, Source,
    Stamp, Value,
};

use crate::harness::*;

/// What a source of a test does when it is asked.
type Answer = Box<dyn Fn(&[&Ask], &Context<'_>) -> Vec<Reading>>;

struct Fake {
    name: &'static str,
    log: Rc<RefCell<Vec<String>>>,
    answer: Answer,
}

impl Source for Fake {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        match asks.iter().find(|ask| ask.facet == "refused") {
            Some(_) => Err(Error::new(ErrorKind::Source, "refused is no facet of mine")),
            None => Ok(()),
        }
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let only = |ask: &Ask| {
            ask.only
                .iter()
                .flatten()
                .map(|name| format!(" {name}"))
                .collect::<String>()
        };
        let facets: Vec<_> = asks
            .iter()
            .map(|ask| format!("{}{}", ask.facet, only(ask)))
            .collect();
        self.log
            .borrow_mut()
            .push(format!("{}: {}", self.name, facets.join(", ")));
        (self.answer)(asks, context)
    }

    fn remote(&self) -> bool {
        self.name == "redis"
    }
}

/// Sources that write down what they are asked, on a clock that goes on by a second with each look at it.
#[derive(Default)]
struct Rig {
    log: Rc<RefCell<Vec<String>>>,
    seconds: Cell<i64>,
    collector: Collector,
}

impl Rig {
    fn source(mut self, name: &'static str, asks: Vec<Ask>, answer: Answer) -> Self {
        let log = Rc::clone(&self.log);
        let fake = Box::new(Fake { name, log, answer });
        self.collector = self.collector.source(name, fake, secs(1), asks);
        self
    }

    fn collect(self) -> (Snapshot, Vec<String>) {
        let mut collector = self.collector.prepare().unwrap();
        let clock = || tick(&self.seconds);
        let snapshot = collector.collect(&clock);
        (snapshot, self.log.take())
    }

    fn refusal(self) -> String {
        self.collector.prepare().err().unwrap().to_string()
    }
}

fn tick(seconds: &Cell<i64>) -> Stamp {
    seconds.set(seconds.get() + 1);
    at(seconds.get())
}

fn ask(facet: &str, after: &[(&str, &str)]) -> Ask {
    let named = after
        .iter()
        .map(|(name, facet)| ((*name).to_owned(), Setting::Text((*facet).to_owned())));
    Ask {
        facet: facet.to_owned(),
        columns: vec![Column::new("subject", Kind::Text)],
        settings: named.collect(),
        only: None,
    }
}

fn well() -> Answer {
    Box::new(|asks, context| asks.iter().map(|_| now(context)).collect())
}

fn now(context: &Context<'_>) -> Reading {
    let stamp = (context.clock)();
    Reading::ok(table(&[("x", "a", "held", "")]), stamp, stamp)
}

fn state(snapshot: &Snapshot) -> BTreeMap<&str, &str> {
    let cut = snapshot.first().iter();
    cut.map(|(facet, reading)| {
        (
            facet.as_str(),
            reading
                .table()
                .map_or_else(|cause| cause.kind().name(), |_| "ok"),
        )
    })
    .collect()
}

#[test]
fn each_source_is_asked_once_in_a_stage_and_after_what_it_stands_on() {
    let rig = Rig::default()
        .source(
            "redis",
            vec![
                ask("ttls", &[("each", "slots")]),
                ask("slots", &[("subjects", "roster")]),
                ask("beat", &[]),
            ],
            well(),
        )
        .source(
            "db",
            vec![
                ask("roster", &[]),
                ask("runs", &[]),
                ask("polls", &[("subjects", "roster")]),
            ],
            well(),
        );
    let (snapshot, log) = rig.collect();
    assert_eq!(
        log,
        [
            "redis: beat",
            "db: roster, runs",
            "redis: slots",
            "db: polls",
            "redis: ttls"
        ]
    );
    assert!(state(&snapshot).values().all(|state| *state == "ok"));
    assert_eq!(snapshot.taken(), at(1));
    assert!(snapshot.ended().unwrap() > snapshot.first()["ttls"].ended());
    let text = snapshot.to_json();
    assert!(
        text.contains("\"origins\":{\"beat\":\"redis\",\"polls\":\"db\""),
        "{text}"
    );
    assert!(text.contains("\"remote\":[\"redis\"]"), "{text}");
}

#[test]
fn a_source_finds_what_was_read_before() {
    let seen: Answer = Box::new(|asks, context| {
        assert_eq!(
            context.values("roster", "subject").unwrap(),
            BTreeSet::from([&Value::text("x")])
        );
        asks.iter().map(|_| now(context)).collect()
    });
    let rig = Rig::default().source("db", vec![ask("roster", &[])], well());
    let (snapshot, _) = rig
        .source("redis", vec![ask("slots", &[("subjects", "roster")])], seen)
        .collect();
    assert_eq!(state(&snapshot)["slots"], "ok");
}

#[test]
fn a_source_that_fails_hides_nobody_elses_readings() {
    let cases: [(Answer, &str); 6] = [
        (Box::new(|_, _| panic!("down")), "crashed"),
        (Box::new(|_, _| Vec::new()), "garbled"),
        (
            Box::new(|asks, context| (0..=asks.len()).map(|_| now(context)).collect()),
            "garbled",
        ),
        (
            Box::new(|asks, _| asks.iter().map(|_| down(2)).collect()),
            "unreachable",
        ),
        (
            Box::new(|asks, _| asks.iter().map(|_| reading(9999, &[])).collect()),
            "stale",
        ),
        (
            Box::new(|asks, context| {
                let stamp = (context.clock)();
                let table = runward_canary::Table::new([Column::new("else", Kind::Text)]);
                asks.iter()
                    .map(|_| Reading::ok(table.clone(), stamp, stamp))
                    .collect()
            }),
            "garbled",
        ),
    ];
    for (answer, why) in cases {
        let stale = why == "unreachable";
        let rig = Rig::default()
            .source("bad", vec![ask("roster", &[])], answer)
            .source(
                "db",
                vec![
                    ask("runs", &[]),
                    ask("slots", &[("subjects", "roster")]),
                    ask("ttls", &[("each", "slots")]),
                ],
                well(),
            );
        let (snapshot, log) = rig.collect();
        let state = state(&snapshot);
        assert_eq!(
            (state["runs"], state["slots"], state["ttls"]),
            ("ok", "not-run", "not-run")
        );
        assert!(state["roster"] == why || stale, "{state:?}");
        assert_eq!(
            log,
            ["bad: roster", "db: runs"],
            "what stands on it is not even asked for"
        );
    }
}

#[test]
fn a_reading_from_before_it_was_asked_for_is_no_reading() {
    for (begun, ended, state) in [
        (0, 4, "stale"),
        (4, 3, "stale"),
        (3, 99, "stale"),
        (3, 3, "ok"),
    ] {
        let lies: Answer = Box::new(move |_, context| {
            (context.clock)();
            vec![Reading::ok(table(&[]), at(begun), at(ended))]
        });
        let (snapshot, _) = Rig::default()
            .source("db", vec![ask("runs", &[])], lies)
            .collect();
        assert_eq!(self::state(&snapshot)["runs"], state, "{begun}..{ended}");
    }
}

#[test]
fn a_source_that_went_down_is_asked_again_in_the_next_cycle() {
    let calls = Cell::new(0);
    let once: Answer = Box::new(move |asks, context| {
        calls.set(calls.get() + 1);
        assert!(calls.get() > 1, "down");
        asks.iter().map(|_| now(context)).collect()
    });
    let rig = Rig::default().source("db", vec![ask("runs", &[])], once);
    let mut collector = rig.collector.prepare().unwrap();
    let clock = || tick(&rig.seconds);
    assert_eq!(state(&collector.collect(&clock))["runs"], "crashed");
    assert_eq!(state(&collector.collect(&clock))["runs"], "ok");
}

#[test]
fn the_second_look_is_at_the_suspects_and_at_what_they_stand_on() {
    let rig = Rig::default()
        .source("db", vec![ask("roster", &[]), ask("runs", &[])], well())
        .source(
            "redis",
            vec![ask("beat", &[]), ask("slots", &[("subjects", "roster")])],
            well(),
        );
    let mut collector = rig.collector.prepare().unwrap();
    let clock = || tick(&rig.seconds);
    let first = collector.collect(&clock);
    rig.log.take();
    let same = collector.again(first.clone(), &BTreeMap::new(), &clock);
    assert_eq!(
        (same, rig.log.take().len()),
        (first.clone(), 0),
        "nobody is suspected"
    );
    let suspects = BTreeMap::from([("slots".to_owned(), BTreeSet::from(["x".to_owned()]))]);
    let again = collector.again(first.clone(), &suspects, &clock);
    assert_eq!(rig.log.take(), ["db: roster x", "redis: slots x"]);
    assert_eq!(again.first(), first.first());
    assert_eq!(
        again.second().keys().collect::<Vec<_>>(),
        ["roster", "slots"]
    );
    assert!(again.ended() > first.ended());
}

#[test]
fn what_cannot_be_put_in_order_is_refused() {
    let rig = |asks| Rig::default().source("db", asks, well());
    let circle = vec![
        ask("a", &[("each", "b")]),
        ask("b", &[("each", "a")]),
        ask("c", &[]),
    ];
    assert_eq!(
        rig(circle).refusal(),
        "read the facets a, b: they stand on each other"
    );
    assert!(
        rig(vec![ask("a", &[("each", "a")])])
            .refusal()
            .contains("each other")
    );
    assert!(
        rig(vec![ask("a", &[("subjects", "b")])])
            .refusal()
            .contains("`b`, which nobody reads")
    );
    assert!(
        rig(vec![ask("a", &[]), ask("a", &[])])
            .refusal()
            .contains("twice")
    );
    assert!(
        rig(vec![ask("refused", &[])])
            .refusal()
            .contains("no facet of mine")
    );
}
