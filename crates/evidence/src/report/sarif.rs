//! SARIF 2.1.0, for annotations on files.

use std::fmt::Write;

use super::{Judgement, Report};
use crate::json::quote;
use crate::outcome::{Outcome, Place, Verdict};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn render(report: &Report) -> String {
    let open = |judgement: &&Judgement| judgement.outcome != Outcome::Judged(Verdict::Proven);
    let shown: Vec<&Judgement> = report.judgements.iter().filter(open).collect();
    let rules: Vec<String> = shown.iter().map(|judgement| rule(judgement)).collect();
    let numbered = shown.iter().enumerate();
    let results: Vec<String> = numbered
        .map(|(index, judgement)| result(index, judgement))
        .collect();
    format!(
        "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\
         \"tool\":{{\"driver\":{{\"name\":\"runward-evidence\",\"version\":\"{}\",\"rules\":[{}]}}}},\
         \"columnKind\":\"unicodeCodePoints\",\
         \"properties\":{{\"verdict\":\"{}\"}},\"results\":[\n{}\n]}}]}}\n",
        env!("CARGO_PKG_VERSION"),
        rules.join(","),
        report.verdict.name(),
        results.join(",\n")
    )
}

fn rule(judgement: &Judgement) -> String {
    let mut out = format!("{{\"id\":{}", quote(judgement.id()));
    if let Some(why) = judgement.why() {
        let _ = write!(out, ",\"shortDescription\":{{\"text\":{}}}", quote(why));
    }
    out.push('}');
    out
}

fn result(index: usize, judgement: &Judgement) -> String {
    let (kind, level) = match judgement.outcome {
        Outcome::Judged(Verdict::Refuted) => ("fail", "error"),
        // Only a `fail` has a level.
        Outcome::Judged(Verdict::Vacuous | Verdict::Inconclusive) => ("open", "none"),
        Outcome::Judged(_) | Outcome::Blocked => ("review", "none"),
    };
    let text = format!("{}: {}", judgement.outcome.name(), judgement.summary());
    let mut out = format!(
        "{{\"ruleId\":{},\"ruleIndex\":{index},\"kind\":\"{kind}\",\"level\":\"{level}\",\"message\":{{\"text\":{}}}",
        quote(judgement.id()),
        quote(&text)
    );
    if let Some(place) = &judgement.place {
        let _ = write!(out, ",\"locations\":[{}]", location(place));
    }
    if let Some(waiver) = &judgement.waiver {
        let applies = judgement.outcome == Outcome::Judged(Verdict::Waived);
        let status = if applies { "accepted" } else { "rejected" };
        let _ = write!(
            out,
            ",\"suppressions\":[{{\"kind\":\"external\",\"status\":\"{status}\",\"justification\":{}}}]",
            quote(waiver)
        );
    }
    out.push('}');
    out
}

fn location(place: &Place) -> String {
    let region = place.span.as_ref().map_or_else(String::new, |span| {
        format!(
            ",\"region\":{{\"startLine\":{},\"startColumn\":{},\"byteOffset\":{},\"byteLength\":{}}}",
            span.line,
            span.column,
            span.start,
            span.end - span.start
        )
    });
    let uri = quote(&escape(&place.path));
    format!("{{\"physicalLocation\":{{\"artifactLocation\":{{\"uri\":{uri}}}{region}}}}}")
}

/// A relative path as a URI.
fn escape(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => {
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}
