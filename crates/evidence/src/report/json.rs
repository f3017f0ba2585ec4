//! The machine's copy, with everything in it. No clock, no host, no order but that of the spec.

use std::fmt::Write;

use super::words::OUTCOMES;
use super::{Judgement, Report};
use crate::json::quote;

pub(super) fn render(report: &Report) -> String {
    let counts =
        OUTCOMES.map(|outcome| format!("\"{}\":{}", outcome.name(), report.count(outcome)));
    let rules: Vec<String> = report.judgements.iter().map(rule).collect();
    format!(
        "{{\"schema\":1,\"spec\":{},\"verdict\":\"{}\",\"counts\":{{{}}},\"rules\":[\n{}\n]}}\n",
        quote(report.spec.id()),
        report.verdict.name(),
        counts.join(","),
        rules.join(",\n")
    )
}

fn rule(judgement: &Judgement) -> String {
    let mut out = format!("{{\"id\":{}", quote(judgement.id()));
    member(&mut out, "outcome", Some(judgement.outcome.name()));
    if let Some(failure) = &judgement.failure {
        let _ = write!(out, ",\"failure\":{{\"kind\":\"{}\"", failure.kind.name());
        member(&mut out, "message", Some(&failure.message));
        member(&mut out, "help", failure.help.as_deref());
        out.push('}');
    }
    if let Some(place) = &judgement.place {
        member(&mut out, "artifact", Some(&place.path));
        if let Some(span) = &place.span {
            let _ = write!(out, ",\"line\":{},\"column\":{}", span.line, span.column);
        }
    }
    member(&mut out, "blocked_by", judgement.blocked_by());
    member(&mut out, "waiver", judgement.waiver.as_deref());
    if judgement.by_absence {
        out.push_str(",\"absent\":true");
    }
    out.push('}');
    out
}

/// Adds a string member behind others.
fn member(out: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = write!(out, ",\"{key}\":{}", quote(value));
    }
}
