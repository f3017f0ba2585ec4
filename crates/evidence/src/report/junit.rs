//! JUnit XML, as CI servers read it.

use std::fmt::Write;

use super::words::clean;
use super::{Judgement, Report};
use crate::outcome::{Outcome, Verdict};

pub(super) fn render(report: &Report) -> String {
    let count = |wanted: &[Outcome]| {
        wanted
            .iter()
            .map(|outcome| report.count(*outcome))
            .sum::<usize>()
    };
    let failures = count(&[Outcome::Judged(Verdict::Refuted)]);
    let errors = count(&[
        Outcome::Judged(Verdict::Vacuous),
        Outcome::Judged(Verdict::Inconclusive),
    ]);
    let skipped = count(&[Outcome::Judged(Verdict::Waived), Outcome::Blocked]);
    let id = attribute(report.spec.id());
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"",
        report.judgements.len()
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"{id}\" {counts}>");
    let _ = writeln!(
        out,
        "  <testsuite name=\"{id}\" {counts} skipped=\"{skipped}\">"
    );
    for judgement in &report.judgements {
        case(&mut out, &id, judgement);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, suite: &str, judgement: &Judgement) {
    let name = attribute(judgement.id());
    let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{suite}\"");
    let Some(element) = element(judgement.outcome) else {
        out.push_str("/>\n");
        return;
    };
    let message = attribute(&judgement.summary());
    let _ = write!(out, ">\n      <{element} message=\"{message}\"");
    let failure = judgement.failure.as_ref().filter(|_| element != "skipped");
    match failure {
        None => out.push_str("/>\n"),
        Some(failure) => {
            let kind = failure.kind.name();
            let _ = writeln!(
                out,
                " type=\"{kind}\">{}</{element}>",
                text(&details(judgement))
            );
        }
    }
    out.push_str("    </testcase>\n");
}

fn element(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Judged(Verdict::Proven) => None,
        Outcome::Judged(Verdict::Waived) | Outcome::Blocked => Some("skipped"),
        Outcome::Judged(Verdict::Refuted) => Some("failure"),
        Outcome::Judged(Verdict::Vacuous | Verdict::Inconclusive) => Some("error"),
    }
}

fn details(judgement: &Judgement) -> String {
    let head = format!("{}: {}", judgement.outcome.name(), judgement.summary());
    let place = judgement.location().map(|place| format!("at {place}"));
    let lines = std::iter::once(head).chain(place).chain(judgement.notes());
    lines.collect::<Vec<_>>().join("\n")
}

fn attribute(raw: &str) -> String {
    text(raw).replace('"', "&quot;").replace('\n', "&#10;")
}

/// Text without what XML cannot carry.
fn text(raw: &str) -> String {
    let lines: Vec<String> = raw.split('\n').map(clean).collect();
    let plain = lines
        .join("\n")
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
