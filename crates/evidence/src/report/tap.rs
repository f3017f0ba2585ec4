//! TAP version 14.

use std::fmt::Write;

use super::words::clean;
use super::{Judgement, Report};
use crate::json::quote;
use crate::outcome::{Outcome, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", report.judgements.len());
    for (number, judgement) in (1..).zip(&report.judgements) {
        line(&mut out, number, judgement);
    }
    let _ = writeln!(
        out,
        "# {}: {}",
        clean(report.spec.id()),
        report.verdict.name()
    );
    out
}

fn line(out: &mut String, number: usize, judgement: &Judgement) {
    let held = matches!(
        judgement.outcome,
        Outcome::Judged(Verdict::Proven | Verdict::Waived)
    );
    let status = if held { "ok" } else { "not ok" };
    // A directive begins with a hash, and an id may not make one.
    let id = clean(judgement.id())
        .replace('\\', "\\\\")
        .replace('#', "\\#");
    let directive = match judgement.outcome {
        Outcome::Judged(Verdict::Waived) => " # TODO waived",
        _ => "",
    };
    let _ = writeln!(out, "{status} {number} - {id}{directive}");
    if judgement.outcome == Outcome::Judged(Verdict::Proven) {
        return;
    }
    let _ = writeln!(out, "  ---\n  outcome: {}", judgement.outcome.name());
    let kind = judgement
        .failure
        .as_ref()
        .map(|failure| failure.kind.name().to_owned());
    let fields = [
        ("kind", kind),
        ("message", Some(judgement.summary())),
        ("at", judgement.location()),
        ("blocked_by", judgement.blocked_by().map(str::to_owned)),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            // A JSON string is a YAML string.
            let _ = writeln!(out, "  {key}: {}", quote(&clean(&value)));
        }
    }
    out.push_str("  ...\n");
}
