use std::fmt::{Display, Write};

use super::Status;
use super::standing::{Row, Stand, rows};
use crate::Stamp;

/// A family of samples, as the text format wants them: together, under one head.
struct Family<'a> {
    out: &'a mut Exposition,
    name: &'static str,
}

/// All families, each sample with the title of the rules, so that several rule sets can lie in one directory.
struct Exposition {
    text: String,
    title: String,
}

pub(super) fn render(status: &Status<'_>) -> String {
    let mut out = Exposition {
        text: String::new(),
        title: status.title.to_owned(),
    };
    cycle(&mut out, status);
    rules(&mut out, &rows(status));
    sources(&mut out, status);
    deliveries(&mut out, status);
    out.text
}

fn cycle(out: &mut Exposition, status: &Status<'_>) {
    let report = status.report;
    gauge(
        out,
        "canary_last_cycle_end_seconds",
        "When the last cycle ended.",
    )
    .sample(&[], seconds(status.ended));
    let length = Stamp::from_micros(status.ended.since(report.taken));
    gauge(
        out,
        "canary_last_cycle_duration_seconds",
        "How long it took.",
    )
    .sample(&[], seconds(length));
    counter(out, "canary_cycles_total", "Full cycles that were judged.")
        .sample(&[], report.sequence);
    let mut level = gauge(
        out,
        "canary_level",
        "All in all: 0 ok, 1 warning, 2 critical, 3 unknown; a critical one comes before an unknown one, and that before a warning.",
    );
    level.sample(&[], status.level().code());
}

fn rules(out: &mut Exposition, rows: &[Row<'_>]) {
    let mut state = gauge(
        out,
        "canary_rule_state",
        "1 for the state in which the rule is.",
    );
    for row in rows {
        for stand in Stand::ALL {
            let labels = [("rule", &*row.meta.id), ("state", stand.name())];
            state.sample(&labels, u8::from(row.stand == stand));
        }
    }
    let mut red = gauge(
        out,
        "canary_rule_red",
        "How many subjects and ways are red.",
    );
    for row in rows {
        let labels = [("rule", &*row.meta.id), ("severity", row.severity().name())];
        red.sample(&labels, row.red.len());
    }
    let mut judged = gauge(
        out,
        "canary_rule_judged",
        "Whether it could be judged in the last cycle.",
    );
    for row in rows {
        judged.sample(&[("rule", &row.meta.id)], u8::from(row.verdict.is_judged()));
    }
    let mut cycles = gauge(
        out,
        "canary_rule_unjudged_cycles",
        "For how many cycles in a row it could not be judged.",
    );
    for row in rows {
        cycles.sample(&[("rule", &row.meta.id)], row.unjudged_cycles);
    }
    let mut examined = gauge(
        out,
        "canary_rule_examined",
        "How many elements it looked at in the last cycle.",
    );
    for row in rows {
        if let Some(count) = row.examined {
            examined.sample(&[("rule", &row.meta.id)], count);
        }
    }
}

fn sources(out: &mut Exposition, status: &Status<'_>) {
    let mut up = gauge(
        out,
        "canary_source_up",
        "Whether the source answered in the last cycle, if it was asked.",
    );
    for (source, answered) in status.sources {
        if let Some(answered) = answered {
            up.sample(&[("source", source)], u8::from(*answered));
        }
    }
}

fn deliveries(out: &mut Exposition, status: &Status<'_>) {
    let counters = status.outbox.counters();
    counter(
        out,
        "canary_alerts_detected_total",
        "Alerts that were decided upon.",
    )
    .sample(&[], counters.detected);
    let mut deliveries = counter(
        out,
        "canary_deliveries_total",
        "What became of attempts to deliver them.",
    );
    for (outcome, count) in [
        ("delivered", counters.delivered),
        ("skipped", counters.skipped),
        ("failed", counters.failed),
        ("dropped", counters.dropped),
        ("corrupt", counters.corrupt),
    ] {
        deliveries.sample(&[("outcome", outcome)], count);
    }
    gauge(
        out,
        "canary_deliveries_pending",
        "Deliveries that are still to be made.",
    )
    .sample(&[], status.outbox.entries().len());
}

fn gauge<'a>(out: &'a mut Exposition, name: &'static str, help: &str) -> Family<'a> {
    family(out, name, help, "gauge")
}

fn counter<'a>(out: &'a mut Exposition, name: &'static str, help: &str) -> Family<'a> {
    family(out, name, help, "counter")
}

fn family<'a>(out: &'a mut Exposition, name: &'static str, help: &str, kind: &str) -> Family<'a> {
    let _ = writeln!(out.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    Family { out, name }
}

impl Family<'_> {
    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let Exposition { text, title } = &mut *self.out;
        let rules = ("rules", title.as_str());
        let labels: Vec<_> = [&rules]
            .into_iter()
            .chain(labels)
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let _ = writeln!(text, "{}{{{}}} {value}", self.name, labels.join(","));
    }
}

/// A label's value: three characters are special, all others stand for themselves.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Microseconds as seconds, without a detour through floating point.
fn seconds(stamp: Stamp) -> String {
    let micros = stamp.as_micros();
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, part) = (
        micros.unsigned_abs() / 1_000_000,
        micros.unsigned_abs() % 1_000_000,
    );
    format!("{sign}{whole}.{part:06}")
}
