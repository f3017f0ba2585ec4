//! What a run found: sections of rows, as a markdown table and as JSON.

use serde_json::{Value, json};

use crate::stats::Summary;

/// How a figure is written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    Nanoseconds,
    KiB,
    Count,
}

/// Contenders at one task. The first row is what the others are compared with.
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
    pub(crate) targets: Vec<Target>,
    pub(crate) notes: Vec<String>,
}

/// One contender.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    /// What was measured, with a remark that may be empty.
    Measured(Summary, String),
    /// Why there is nothing to show.
    Missing(String),
    /// It was tried, and did not do what the section is about.
    Failed(String),
}

/// A bound that we have set ourselves. It is printed and gates nothing.
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) bound: f64,
}

impl Section {
    pub(crate) fn new(id: impl Into<String>, title: impl Into<String>, unit: Unit) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            unit,
            rows: Vec::new(),
            targets: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, outcome: Outcome) {
        let name = name.into();
        self.rows.push(Row { name, outcome });
    }

    /// The figures of a contender that was measured.
    pub(crate) fn summary(&self, name: &str) -> Option<Summary> {
        self.rows
            .iter()
            .find(|row| row.name == name)
            .and_then(Row::summary)
    }

    /// Sets a bound on the ratio of two contenders' medians, if both were measured.
    pub(crate) fn target_ratio(&mut self, ours: &str, theirs: &str, bound: f64) {
        if let (Some(our), Some(their)) = (self.summary(ours), self.summary(theirs)) {
            self.target(
                format!("{ours} / {theirs}, median"),
                our.median / their.median,
                bound,
            );
        }
    }

    pub(crate) fn target(&mut self, what: impl Into<String>, value: f64, bound: f64) {
        let what = what.into();
        self.targets.push(Target { what, value, bound });
    }

    pub(crate) fn markdown(&self) -> String {
        let base = self.rows.first().and_then(Row::summary);
        let mut text = format!("## {}\n\n", self.title);
        text.push_str(
            "| contender | n | min | median | p95 | p99 | × first | over first | remark |\n",
        );
        text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|---|\n");
        for row in &self.rows {
            text.push_str(&row.markdown(self.unit, base));
        }
        text.push('\n');
        for target in &self.targets {
            text.push_str(&target.markdown());
        }
        for note in &self.notes {
            text.push_str(&format!("- {note}\n"));
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "unit": self.unit.name(),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "targets": self.targets.iter().map(Target::json).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

impl Row {
    fn summary(&self) -> Option<Summary> {
        match &self.outcome {
            Outcome::Measured(summary, _) => Some(*summary),
            Outcome::Missing(_) | Outcome::Failed(_) => None,
        }
    }

    fn markdown(&self, unit: Unit, base: Option<Summary>) -> String {
        let name = &self.name;
        let (summary, remark) = match &self.outcome {
            Outcome::Missing(reason) => return nothing(name, "not measured", reason),
            Outcome::Failed(reason) => return nothing(name, "FAILED", reason),
            Outcome::Measured(summary, remark) => (summary, remark),
        };
        let Summary {
            count,
            min,
            median,
            p95,
            p99,
        } = *summary;
        let (min, p95, p99) = (unit.show(min), unit.show(p95), unit.show(p99));
        let (ratio, over) = match base {
            Some(base) if base.median > 0.0 => (
                format!("{:.2}", median / base.median),
                unit.show(median - base.median),
            ),
            _ => Default::default(),
        };
        let median = unit.show(median);
        format!(
            "| {name} | {count} | {min} | {median} | {p95} | {p99} | {ratio} | {over} | {remark} |\n"
        )
    }

    fn json(&self) -> Value {
        match &self.outcome {
            Outcome::Measured(summary, remark) => {
                json!({ "name": self.name, "summary": summary.json(), "remark": remark })
            }
            Outcome::Missing(reason) => json!({ "name": self.name, "missing": reason }),
            Outcome::Failed(reason) => json!({ "name": self.name, "failed": reason }),
        }
    }
}

/// A row without figures.
fn nothing(name: &str, what: &str, reason: &str) -> String {
    let reason = reason.replace(['\n', '|'], " ");
    format!("| {name} | | | | | | | | {what}: {reason} |\n")
}

impl Target {
    fn met(&self) -> bool {
        self.value <= self.bound
    }

    fn markdown(&self) -> String {
        let verdict = if self.met() { "met" } else { "NOT met" };
        format!(
            "- target: {}: {:.2}, at most {:.2}: {verdict}\n",
            self.what, self.value, self.bound
        )
    }

    fn json(&self) -> Value {
        json!({ "what": self.what, "value": self.value, "bound": self.bound, "met": self.met() })
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::KiB => "KiB",
            Self::Count => "count",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::KiB => format!("{value:.0} KiB"),
            Self::Count => format!("{value:.0}"),
            Self::Nanoseconds => match value.abs() {
                ns if ns < 1e4 => format!("{value:.0} ns"),
                ns if ns < 1e7 => format!("{:.0} µs", value / 1e3),
                _ => format!("{:.1} ms", value / 1e6),
            },
        }
    }
}
