mod absorbing;
mod ages;
mod counts;
mod decay;
mod dwell;
mod hostile;
mod ids;
mod pools;
mod row;
mod seeing;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Cause, CauseKind, Cut, Finding, Memory, Reading, Rules, Stamp, Table, Tally, Value, View,
};

/// The beginning of every cycle here, unless a test says otherwise.
pub(super) const NOW: i64 = 1_800_000_000;

/// What a test writes for a cell.
pub(super) trait Cell {
    fn cell(self) -> Value;
}

impl Cell for Value {
    fn cell(self) -> Value {
        self
    }
}

impl Cell for &str {
    fn cell(self) -> Value {
        Value::text(self)
    }
}

impl Cell for i64 {
    fn cell(self) -> Value {
        Value::Int(self)
    }
}

impl Cell for bool {
    fn cell(self) -> Value {
        Value::Bool(self)
    }
}

impl Cell for () {
    fn cell(self) -> Value {
        Value::Null
    }
}

/// An instant so many microseconds before [`NOW`].
pub(super) fn micros_ago(micros: i64) -> Value {
    Value::Time(Stamp::from_micros(NOW * 1_000_000 - micros))
}

/// An instant so many seconds before [`NOW`].
pub(super) fn ago(seconds: i64) -> Value {
    micros_ago(seconds * 1_000_000)
}

macro_rules! rows {
    ($([$($cell:expr),* $(,)?]),* $(,)?) => {
        vec![$(vec![$($crate::shape::tests::Cell::cell($cell)),*]),*]
    };
}
pub(super) use rows;

/// One invariant, and what it sees.
pub(super) struct World {
    rules: Rules,
    shapes: Vec<String>,
    cut: Cut,
    pub(super) now: Stamp,
    pub(super) boot: Option<String>,
    pub(super) memory: Memory,
    pub(super) red: BTreeSet<String>,
}

/// What an invariant said.
pub(super) struct Said {
    pub(super) findings: Vec<Finding>,
    pub(super) blind: BTreeMap<String, Cause>,
    pub(super) unjudged: Option<Cause>,
    pub(super) examined: u64,
    pub(super) arms: BTreeMap<String, u64>,
    pub(super) held: BTreeSet<String>,
}

pub(super) const WORDS: &str =
    "title = 't'\ntier = 'A'\nseverity = 'critical'\nmessage = 'm'\nrunbook = 'r'\n";

impl World {
    /// Facets of a source `db` as TOML, and the shape of the invariant.
    pub(super) fn new(facets: &str, invariant: &str) -> Self {
        let text = format!(
            "[source.db]\nkind = 'command'\n[facet]\n{facets}\n[invariant.X]\n{WORDS}{invariant}"
        );
        Self::of(&text)
    }

    pub(super) fn of(text: &str) -> Self {
        let rules =
            Rules::parse("test.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let now = Stamp::from_micros(NOW * 1_000_000);
        Self {
            shapes: shapes(text),
            cut: Cut::new(),
            now,
            boot: None,
            memory: Memory::default(),
            red: BTreeSet::new(),
            rules,
        }
    }

    pub(super) fn has(&mut self, facet: &str, rows: Vec<Vec<Value>>) -> &mut Self {
        let rule = self
            .rules
            .facets()
            .iter()
            .find(|one| one.ask().facet == facet);
        let mut table = Table::new(rule.expect("a facet of the rules").ask().columns.clone());
        for row in rows {
            table.push(row);
        }
        let reading = Reading::ok(table, self.now, self.now);
        self.cut.insert(facet.to_owned(), reading);
        self
    }

    pub(super) fn gap(&mut self, facet: &str, subject: &str) -> &mut Self {
        let reading = self.cut.remove(facet).expect("a reading");
        let reading = reading.with_gap(subject, Cause::new(CauseKind::Timeout, "slow"));
        self.cut.insert(facet.to_owned(), reading);
        self
    }

    pub(super) fn fails(&mut self, facet: &str) -> &mut Self {
        let cause = Cause::new(CauseKind::Unreachable, "gone");
        let reading = Reading::failed(cause, self.now, self.now);
        self.cut.insert(facet.to_owned(), reading);
        self
    }

    pub(super) fn later(&mut self, seconds: i64) -> &mut Self {
        self.now = Stamp::from_micros(self.now.as_micros() + seconds * 1_000_000);
        self
    }

    pub(super) fn judge(&mut self) -> Said {
        let check = &self.rules.invariants()[0].check;
        let mut tally = Tally::new(&mut self.memory, &self.red);
        let view = View::new(&self.cut, self.now, self.boot.as_deref());
        check.check(&view, &mut tally);
        tally
            .findings
            .sort_by(|a, b| (&a.subject, &a.kind).cmp(&(&b.subject, &b.kind)));
        declared(&self.shapes, &tally.findings);
        Said {
            findings: tally.findings,
            blind: tally.blind,
            unjudged: tally.unjudged,
            examined: tally.examined,
            arms: tally.arms,
            held: tally.witnesses.into_keys().collect(),
        }
    }

    /// `subject:kind` of what was found; it is an error if anything was blind.
    pub(super) fn found(&mut self) -> String {
        let said = self.judge();
        assert!(
            said.blind.is_empty() && said.unjudged.is_none(),
            "{:?} {:?}",
            said.blind,
            said.unjudged
        );
        said.keys()
    }
}

/// The shapes of the invariant.
fn shapes(text: &str) -> Vec<String> {
    let rules: toml::Value = toml::from_str(text).expect("TOML");
    let invariant = rules["invariant"]
        .as_table()
        .and_then(|all| all.values().next());
    let invariant = invariant.expect("an invariant");
    let arms = invariant.get("arm").and_then(toml::Value::as_array);
    let arms = arms.map_or(std::slice::from_ref(invariant), Vec::as_slice);
    let shape = |arm: &toml::Value| arm["shape"].as_str().map(str::to_owned);
    arms.iter().filter_map(shape).collect()
}

/// All that was said is among what the shapes declare for messages; a `row` also says its columns.
fn declared(shapes: &[String], findings: &[Finding]) {
    let declared: Vec<&str> = super::blanks::OF
        .iter()
        .filter(|(shape, _)| shapes.iter().any(|one| one == shape))
        .flat_map(|(_, names)| *names)
        .chain(super::blanks::ALL)
        .copied()
        .collect();
    for name in findings.iter().flat_map(|finding| finding.facts.keys()) {
        let known = declared.contains(&&**name) || shapes.iter().any(|shape| shape == "row");
        assert!(known, "{shapes:?} does not declare `{name}`");
    }
}

impl Said {
    pub(super) fn keys(&self) -> String {
        let key = |found: &Finding| format!("{}:{}", found.subject, found.kind);
        self.findings.iter().map(key).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn blind_as(&self, subject: &str) -> Option<CauseKind> {
        self.blind.get(subject).map(Cause::kind)
    }
}
