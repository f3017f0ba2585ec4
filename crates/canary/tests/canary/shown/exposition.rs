//! Prometheus' text format, read by a strict reader of our own and by Prometheus' own tool.

use std::collections::{BTreeMap, BTreeSet};

use super::fixture::{Cycle, HOSTILE};
use super::host;

/// A sample: its name, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Reads it as the format is specified; panics at whatever is not.
fn read(text: &str) -> Vec<Sample> {
    assert!(text.ends_with('\n'), "the last line has an end");
    let mut kinds = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut samples = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(["gauge", "counter"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(
                kinds.insert(name.to_owned(), kind.to_owned()).is_none(),
                "twice: {line}"
            );
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let sample = sample(line);
        assert!(kinds.contains_key(&sample.0), "no type before {line}");
        if order.last() != Some(&sample.0) {
            assert!(!order.contains(&sample.0), "a family in pieces: {line}");
            order.push(sample.0.clone());
        }
        samples.push(sample);
    }
    let series: BTreeSet<_> = samples
        .iter()
        .map(|(name, labels, _)| (name, labels))
        .collect();
    assert_eq!(series.len(), samples.len(), "a series twice");
    samples
}

fn sample(line: &str) -> Sample {
    let end = line
        .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
        .expect("more than a name");
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            let (value, after) = quoted(after);
            assert!(
                labels.insert(label.to_owned(), value).is_none(),
                "a label twice: {line}"
            );
            match after.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => break rest = more,
                _ => panic!("behind a label: {line}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("a space before the value");
    (name.to_owned(), labels, value.parse().expect("a number"))
}

fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next().expect("an escape").1 {
                'n' => value.push('\n'),
                c @ ('\\' | '"') => value.push(c),
                other => panic!("an escape that is none: {other}"),
            },
            c => value.push(c),
        }
    }
    panic!("a value without an end: {text}")
}

fn find(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted: BTreeMap<_, _> = [("rules", "fleet")]
        .iter()
        .chain(labels)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let found = samples
        .iter()
        .find(|(own, have, _)| own == name && *have == wanted);
    found.unwrap_or_else(|| panic!("{name} {labels:?}")).2
}

#[test]
fn each_figure_is_there() {
    let samples = read(&Cycle::new(&["a", "b"]).status().prometheus());
    let value = |name, labels: &[_]| find(&samples, name, labels);
    assert_eq!(
        value("canary_last_cycle_end_seconds", &[]),
        1_779_278_400.25
    );
    assert_eq!(value("canary_last_cycle_duration_seconds", &[]), 0.25);
    assert_eq!(
        value("canary_rule_state", &[("rule", "S-01"), ("state", "red")]),
        1.0
    );
    assert_eq!(
        value("canary_rule_state", &[("rule", "S-01"), ("state", "held")]),
        0.0
    );
    assert_eq!(
        value(
            "canary_rule_state",
            &[("rule", "G-03"), ("state", "vacuous")]
        ),
        1.0
    );
    assert_eq!(
        value(
            "canary_rule_red",
            &[("rule", "S-01"), ("severity", "major")]
        ),
        2.0
    );
    assert_eq!(value("canary_rule_examined", &[("rule", "L-03")]), 412.0);
    assert_eq!(value("canary_rule_judged", &[("rule", "B-02")]), 0.0);
    assert_eq!(
        value("canary_rule_unjudged_cycles", &[("rule", "B-02")]),
        4.0
    );
    assert_eq!(value("canary_source_up", &[("source", "redis")]), 0.0);
    assert_eq!(
        value("canary_deliveries_total", &[("outcome", "dropped")]),
        0.0
    );
    assert_eq!(value("canary_level", &[]), 3.0);
}

#[test]
fn labels_are_escaped() {
    for hostile in HOSTILE {
        let samples = read(&Cycle::well().with_source(hostile).status().prometheus());
        assert_eq!(
            find(&samples, "canary_source_up", &[("source", hostile)]),
            1.0
        );
    }
}

#[test]
fn prometheus_reads_it() {
    let Some(promtool) = host::program("promtool") else {
        host::skip(
            "exposition::prometheus_reads_it",
            "no promtool (Debian: prometheus)",
        );
        return;
    };
    for hostile in HOSTILE {
        let text = Cycle::new(&HOSTILE)
            .with_source(hostile)
            .with_title(hostile)
            .status()
            .prometheus();
        let output = host::run(&promtool, &["check", "metrics"], Some(&text));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{hostile:?}: {said}");
    }
}
