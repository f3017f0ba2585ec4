//! A cycle that has everything in it, as a file would have it.

use std::collections::{BTreeMap, BTreeSet};

use runward_canary::alert::Outbox;
use runward_canary::engine::Report;
use runward_canary::render::{Status, Unwritten};
use runward_canary::{Stamp, State};
use serde_json::{Value, json};

/// Text that a tenant could write.
pub(crate) const HOSTILE: [&str; 9] = [
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=\"document.title='owned'\">",
    "</style></title><iframe src=//example.org>",
    "' onmouseover='x' x='",
    "a\nb\r\nc\u{0}d\u{1b}[31m",
    "\u{202e}txt.exe\u{2066}",
    "x\\\",rule=\"y\\",
    "{subject} {{}} {n}",
    "'; DROP TABLE x; -- $(reboot) `reboot`",
];

pub(crate) struct Cycle {
    report: Report,
    state: State,
    outbox: Outbox,
    sources: BTreeMap<String, Option<bool>>,
    unwritten: Vec<Unwritten>,
    only: Option<BTreeSet<String>>,
    title: String,
    off: BTreeMap<String, String>,
    warning: Option<String>,
}

impl Cycle {
    /// As it is; with text of tenants where tenants can write.
    pub(crate) fn new(subjects: &[&str]) -> Self {
        let report = json!({
            "schema": 1, "taken": "2026-05-20T12:00:00Z", "sequence": 7,
            "verdicts": {
                "S-01": verdict("S-01", "Slots and rows are the same", "major", json!({"outcome": "violated", "examined": 12, "findings": []}), subjects.len()),
                "B-02": verdict("B-02", "Queued work is being picked up", "critical", json!({"outcome": "unjudged", "cause": {"kind": "unreachable", "detail": "redis: connection refused"}}), 0),
                "G-03": verdict("G-03", "Clocks are sane", "minor", json!({"outcome": "held", "examined": 0}), 0),
                "L-03": verdict("L-03", "Deletes cascade", "critical", json!({"outcome": "held", "examined": 412}), 0),
                "R-01": verdict("R-01", "No zombie persists", "critical", json!({"outcome": "errored", "cause": {"kind": "crashed", "detail": "index out of bounds"}}), 0),
                "G-01": verdict("G-01", "Nothing runs that nobody adopted", "critical", json!({"outcome": "not-due"}), 0),
            },
            "transitions": [], "unread": [], "coverage": {},
        });
        Self {
            report: serde_json::from_value(report).expect("a report"),
            state: State::from_json(&state(subjects).to_string()).expect("a state"),
            outbox: Outbox::default(),
            sources: BTreeMap::from([("db".into(), Some(true)), ("redis".into(), Some(false))]),
            unwritten: Vec::new(),
            only: None,
            title: "fleet".into(),
            off: BTreeMap::new(),
            warning: None,
        }
    }

    /// Nothing but the harness itself, as all else is switched off.
    pub(crate) fn idle() -> Self {
        let mut cycle = Self::well();
        let mut verdict = cycle.report.verdicts["L-03"].clone();
        verdict.meta.id = "canary.rules".into();
        cycle.report.verdicts = BTreeMap::from([("canary.rules".into(), verdict)]);
        cycle.off.insert("L-03".into(), "<b>because</b>".into());
        cycle
    }

    /// Nothing but what is well.
    pub(crate) fn well() -> Self {
        let mut cycle = Self::new(&[]);
        cycle
            .report
            .verdicts
            .retain(|id, _| matches!(id.as_str(), "G-03" | "L-03" | "G-01"));
        cycle
    }

    pub(crate) fn with_warning(mut self, text: &str) -> Self {
        self.warning = Some(text.to_owned());
        self
    }

    pub(crate) fn with_title(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }

    /// Of a cycle that judged these alone.
    pub(crate) fn with_only(mut self, ids: &[&str]) -> Self {
        self.only = Some(ids.iter().map(|&id| id.to_owned()).collect());
        self
    }

    pub(crate) fn with_unwritten(mut self, key: &str, why: &str) -> Self {
        let (key, why) = (key.to_owned(), why.to_owned());
        self.unwritten.push(Unwritten { key, why });
        self
    }

    /// With parts of a report that are written as a file would have them.
    pub(crate) fn with_report(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let text = serde_json::to_string(&self.report).expect("JSON");
        let mut report = serde_json::from_str(&text).expect("JSON");
        change(&mut report);
        self.report = serde_json::from_value(report).expect("a report");
        self
    }

    /// How an invariant stands, beside what is red.
    pub(crate) fn with_standing(mut self, id: &str, standing: &Value) -> Self {
        self.with_state(|state| state["invariants"][id] = standing.clone());
        self
    }

    /// How bad it is what is red.
    pub(crate) fn with_red(mut self, severity: &str) -> Self {
        self.with_state(|state| {
            let kinds = &mut state["invariants"]["S-01"]["red"]["left_only"];
            for red in kinds.as_object_mut().expect("subjects").values_mut() {
                red["severity"] = severity.into();
            }
        });
        self
    }

    fn with_state(&mut self, change: impl FnOnce(&mut Value)) {
        let mut state = serde_json::from_str(&self.state.to_json()).expect("JSON");
        change(&mut state);
        self.state = State::from_json(&state.to_string()).expect("a state");
    }

    /// Whether a source answered; none if it was not asked.
    pub(crate) fn with_answer(mut self, name: &str, answered: Option<bool>) -> Self {
        self.sources.insert(name.to_owned(), answered);
        self
    }

    pub(crate) fn with_outbox(mut self, outbox: &Value) -> Self {
        self.outbox = serde_json::from_value(outbox.clone()).expect("an outbox");
        self
    }

    pub(crate) fn with_source(mut self, name: &str) -> Self {
        self.sources.insert(name.to_owned(), Some(true));
        self
    }

    pub(crate) fn status(&self) -> Status<'_> {
        Status {
            title: &self.title,
            only: self.only.as_ref(),
            unwritten: &self.unwritten,
            report: &self.report,
            state: &self.state,
            outbox: &self.outbox,
            sources: &self.sources,
            off: &self.off,
            ended: Stamp::parse("2026-05-20T12:00:00.25Z").expect("a time"),
            stale_after: Stamp::parse("2026-05-20T12:12:00Z"),
            warning: self.warning.as_deref(),
        }
    }
}

fn verdict(id: &str, title: &str, severity: &str, outcome: Value, red: usize) -> Value {
    let mut verdict = json!({
        "meta": {"id": id, "title": title, "tier": "A", "severity": severity, "message": "{subject} has {n} of {m}", "runbook": "A slot without a row leaks; look for a release that did not run."},
        "red": red,
    });
    let fields = verdict.as_object_mut().expect("an object");
    fields.extend(outcome.as_object().expect("an object").clone());
    verdict
}

fn state(subjects: &[&str]) -> Value {
    let red = |subject: &&str| {
        let red = json!({
            "since": "2026-05-20T09:54:55Z", "seen": "2026-05-20T12:00:00Z", "cycles": 26, "severity": "major",
            "facts": {"n": {"int": 3}, "m": {"id": subject}},
        });
        ((*subject).to_owned(), red)
    };
    let red: serde_json::Map<_, _> = subjects.iter().map(red).collect();
    let mut state: Value = serde_json::from_str(&State::default().to_json()).expect("JSON");
    state["invariants"] = json!({
        "S-01": {"red": {"left_only": red}},
        "B-02": {"unjudged": 4},
        "G-03": {"vacuous": 9},
    });
    state
}
