use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use runward_canary::engine::{Change, Outcome, Report};
use runward_canary::{
    Cause, CauseKind, Check, Column, Cut, Fact, Finding, Invariant, Kind, Meta, Only, Options,
    Reading, Severity, Snapshot, Stamp, State, Table, Tally, Terms, Tier, Value, View, judge,
    suspects,
};

/// A check that says of each row of its facet what the row says.
#[derive(Clone)]
pub(crate) struct Scripted(pub(crate) &'static str);

/// Subject, kind, what to say, element.
pub(crate) type Line = (&'static str, &'static str, &'static str, &'static str);

pub(crate) fn at(seconds: i64) -> Stamp {
    Stamp::from_micros(seconds * 1_000_000)
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Check for Scripted {
    fn needs(&self) -> Vec<&str> {
        vec![self.0]
    }

    fn kinds(&self) -> Vec<&str> {
        vec!["a", "b"]
    }

    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
        for row in view.table(self.0).unwrap().rows() {
            let cell = |index| row.at(index).as_text().unwrap_or_default();
            say(view, tally, cell(0), cell(1), cell(2), cell(3));
        }
    }
}

fn say(
    view: &View<'_>,
    tally: &mut Tally<'_>,
    subject: &str,
    kind: &str,
    what: &str,
    element: &str,
) {
    let cause = Cause::new(CauseKind::Malformed, "the script says so");
    let mut finding = Finding::new(subject, kind);
    if !element.is_empty() {
        finding.elements = BTreeSet::from([element.to_owned()]);
    }
    tally.examined(1);
    tally.arm(kind, 1);
    match what {
        "held" => {
            let facts = || BTreeMap::from([("element".to_owned(), Fact::id(element))]);
            tally.held(subject, facts);
        }
        "found" => tally.found(finding),
        "minor" => {
            finding.severity = Some(Severity::Minor);
            tally.found(finding);
        }
        "blind" => tally.blind(subject, cause),
        "unjudged" => tally.unjudged(cause),
        // Found once it has been so for ten minutes; the element is the generation.
        "dwell" => {
            let since = tally
                .memory()
                .seen(subject, element, view.taken(), secs(900));
            if view.taken().since(since.first) >= 600 * 1_000_000 {
                tally.found(finding);
            }
        }
        "quiet" => {}
        _ => panic!("the script says so"),
    }
}

pub(crate) fn table(lines: &[Line]) -> Table {
    let names = ["subject", "kind", "say", "element"];
    let mut table = Table::new(names.map(|name| Column::new(name, Kind::Text)));
    for (subject, kind, say, element) in lines {
        table.push([subject, kind, say, element].map(|text| Value::text(*text)));
    }
    table
}

pub(crate) fn reading(seconds: i64, lines: &[Line]) -> Reading {
    Reading::ok(table(lines), at(seconds), at(seconds))
}

pub(crate) fn down(seconds: i64) -> Reading {
    let cause = Cause::new(CauseKind::Unreachable, "nobody there");
    Reading::failed(cause, at(seconds), at(seconds))
}

pub(crate) fn cut<const N: usize>(readings: [(&str, Reading); N]) -> Cut {
    let named = readings.into_iter();
    named
        .map(|(name, reading)| (name.to_owned(), reading))
        .collect()
}

pub(crate) fn invariant(id: &str, terms: Terms) -> Invariant {
    on(id, "jobs", terms)
}

pub(crate) fn on(id: &str, facet: &'static str, terms: Terms) -> Invariant {
    let meta = Meta {
        id: id.to_owned(),
        title: "As the script says".to_owned(),
        tier: Tier::A,
        severity: Severity::Major,
        message: "{subject}".to_owned(),
        runbook: "Read the script.".to_owned(),
    };
    Invariant::new(meta, Scripted(facet)).with_terms(terms)
}

/// Terms with one of them set.
pub(crate) fn terms(set: impl FnOnce(&mut Terms)) -> Terms {
    let mut terms = Terms::default();
    set(&mut terms);
    terms
}

/// Invariants, and what is kept between their cycles.
pub(crate) struct World {
    pub(crate) invariants: Vec<Invariant>,
    pub(crate) options: Options,
    pub(crate) state: State,
}

impl World {
    /// One invariant `X`, on the facet `jobs`.
    pub(crate) fn new(terms: Terms) -> Self {
        Self::of(vec![invariant("X", terms)])
    }

    pub(crate) fn of(invariants: Vec<Invariant>) -> Self {
        Self {
            invariants,
            options: Options::default(),
            state: State::default(),
        }
    }

    pub(crate) fn judge(&mut self, snapshot: &Snapshot) -> Report {
        let all = Only::All;
        let cycle = judge(&self.invariants, &self.options, snapshot, &self.state, &all);
        self.state = cycle.state;
        cycle.report
    }

    /// A cycle in which `jobs` says this.
    pub(crate) fn says(&mut self, seconds: i64, lines: &[Line]) -> Report {
        self.read(seconds, cut([("jobs", reading(seconds, lines))]))
    }

    pub(crate) fn read(&mut self, seconds: i64, first: Cut) -> Report {
        self.judge(&Snapshot::new(at(seconds), first))
    }

    /// A cycle with a second look.
    pub(crate) fn twice(&mut self, seconds: i64, first: &[Line], second: &[Line]) -> Report {
        let first = cut([("jobs", reading(seconds, first))]);
        let second = cut([("jobs", reading(seconds, second))]);
        self.judge(&Snapshot::new(at(seconds), first).with_second(second))
    }

    pub(crate) fn suspects(
        &self,
        seconds: i64,
        lines: &[Line],
    ) -> BTreeMap<String, BTreeSet<String>> {
        let first = cut([("jobs", reading(seconds, lines))]);
        let snapshot = Snapshot::new(at(seconds), first);
        suspects(&self.invariants, &snapshot, &self.state, &Only::All)
    }

    pub(crate) fn is_red(&self) -> bool {
        self.state.standing("X").unwrap().is_red()
    }
}

/// What has changed for an invariant, in a few letters: `+a/x` opened, `&a/x` joined, `^a/x` worsened, `-a/x` closed, `!a/x` dropped, `?3` stale, `i` noted.
pub(crate) fn changes(report: &Report, id: &str) -> Vec<String> {
    let mine = report.transitions.iter().filter(|one| one.invariant == id);
    mine.map(|one| short(&one.change)).collect()
}

fn short(change: &Change) -> String {
    let sign = match change {
        Change::Opened(_) => "+",
        Change::Joined(_) => "&",
        Change::Worsened { .. } => "^",
        Change::Closed { .. } => "-",
        Change::Dropped { .. } => "!",
        Change::Stale {
            unjudged_cycles, ..
        } => return format!("?{unjudged_cycles}"),
        _ => return "i".to_owned(),
    };
    let key = change.key().unwrap();
    format!("{sign}{}/{}", key.kind, key.subject)
}

/// The case of a verdict, or of the cause why there is none.
pub(crate) fn outcome(report: &Report, id: &str) -> String {
    match &report.verdicts[id].outcome {
        Outcome::Held { examined } => format!("held {examined}"),
        Outcome::Violated { findings, .. } => format!("violated {}", findings.len()),
        Outcome::Unjudged { cause } => format!("unjudged {}", cause.kind().name()),
        Outcome::Errored { cause } => format!("errored {}", cause.kind().name()),
        _ => "not due".to_owned(),
    }
}
