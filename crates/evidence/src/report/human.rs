//! For people, as a compiler shows an error: the line of the artifact, and the line of the rule.

use std::fmt::Write;

use super::words::clean;
use super::{Judgement, Report};
use crate::outcome::{Outcome, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    for judgement in &report.judgements {
        if judgement.failure.is_some() {
            finding(&mut out, report, judgement);
        }
    }
    blocked(&mut out, report);
    absences(&mut out, report);
    let verdict = report.verdict.name();
    let _ = writeln!(
        out,
        "{}: {verdict} ({})",
        clean(report.spec.id()),
        report.tally()
    );
    out
}

fn finding(out: &mut String, report: &Report, judgement: &Judgement) {
    let level = match judgement.outcome {
        Outcome::Judged(Verdict::Waived) => "warning",
        _ => "error",
    };
    let (id, outcome) = (clean(judgement.id()), judgement.outcome.name());
    let message = clean(&judgement.summary());
    let _ = writeln!(out, "{level}[{id}]: {outcome}: {message}");
    let rule = judgement.at().map(|at| report.spec.line(at));
    let width = width(judgement, rule.map_or(0, |(line, ..)| line));
    artifact(out, judgement, width);
    if let Some((line, column, text)) = rule {
        let name = clean(report.spec.name());
        let _ = writeln!(out, "{:width$}::: {name}:{line}:{column}", "");
        let _ = writeln!(out, "{line:>width$} | {}", clean(text.trim_end()));
    }
    for note in judgement.notes() {
        let _ = writeln!(out, "{:width$} = {}", "", clean(&note));
    }
    out.push('\n');
}

fn width(judgement: &Judgement, line: usize) -> usize {
    let place = judgement.place.as_ref().and_then(|place| place.line());
    line.max(place.unwrap_or(0)).to_string().len()
}

fn artifact(out: &mut String, judgement: &Judgement, width: usize) {
    let Some(location) = judgement.location() else {
        return;
    };
    let _ = writeln!(out, "{:width$}--> {}", "", clean(&location));
    let excerpt = judgement
        .failure
        .as_ref()
        .and_then(|failure| failure.excerpt.as_ref());
    let line = judgement.place.as_ref().and_then(|place| place.line());
    let (Some(excerpt), Some(line)) = (excerpt, line) else {
        return;
    };
    let _ = writeln!(out, "{:width$} |", "");
    let _ = writeln!(out, "{line:>width$} | {}", clean(&excerpt.text));
    // Escapes are wider than what they stand for.
    let before: String = excerpt.text.chars().take(excerpt.before).collect();
    let before = clean(&before).chars().count();
    let mark = "^".repeat(excerpt.marked);
    let _ = writeln!(out, "{:width$} | {:before$}{mark}", "", "");
}

/// Each root with what it blocks, in one line.
fn blocked(out: &mut String, report: &Report) {
    let mut roots: Vec<(&str, usize)> = Vec::new();
    for by in report.judgements.iter().filter_map(Judgement::blocked_by) {
        match roots.iter_mut().find(|(root, _)| *root == by) {
            Some((_, count)) => *count += 1,
            None => roots.push((by, 1)),
        }
    }
    for (root, count) in roots {
        let plural = if count == 1 { "rule" } else { "rules" };
        let _ = writeln!(
            out,
            "note: {} blocks {count} {plural}, which say nothing",
            clean(root)
        );
    }
}

fn absences(out: &mut String, report: &Report) {
    let by_absence = report
        .judgements
        .iter()
        .filter(|judgement| judgement.by_absence);
    let ids: Vec<String> = by_absence.map(|judgement| clean(judgement.id())).collect();
    if !ids.is_empty() {
        let _ = writeln!(
            out,
            "note: nothing is there, which these rules allow: {}",
            ids.join(", ")
        );
    }
}
