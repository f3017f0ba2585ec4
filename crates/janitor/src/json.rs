//! The words by which plans and reports are read by programs. Fields may be added; none is renamed within schema 1.

use serde::Serialize;

use crate::plan::{Plan, Row, Warning};
use crate::report::{Item, Report};
use crate::{Step, Verdict, clock};

#[derive(Serialize)]
struct PlanView<'a> {
    schema: u32,
    digest: String,
    allow: &'a [String],
    rows: Vec<RowView<'a>>,
    warnings: Vec<WarningView<'a>>,
}

#[derive(Serialize)]
struct RowView<'a> {
    name: &'a str,
    kind: &'a str,
    id: &'a str,
    verdict: &'static str,
    reason: &'static str,
    text: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    steps: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

#[derive(Serialize)]
struct WarningView<'a> {
    kind: &'static str,
    about: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct ReportView<'a> {
    schema: u32,
    digest: &'a str,
    clean: bool,
    postponed: usize,
    items: Vec<ItemView<'a>>,
    trouble: &'a [String],
}

#[derive(Serialize)]
struct ItemView<'a> {
    name: &'a str,
    kind: &'a str,
    id: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    appeared: bool,
}

pub(crate) fn plan(plan: &Plan) -> String {
    text(&PlanView {
        schema: 1,
        digest: plan.digest(),
        allow: &plan.allow,
        rows: plan.rows.iter().map(row).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
    })
}

pub(crate) fn report(report: &Report) -> String {
    text(&ReportView {
        schema: 1,
        digest: &report.digest,
        clean: report.is_clean(),
        postponed: report.postponed,
        items: report.items.iter().map(item).collect(),
        trouble: &report.trouble,
    })
}

/// Of structs with text fields serde_json makes text in every case.
fn text(view: &impl Serialize) -> String {
    serde_json::to_string(view).unwrap_or_default()
}

fn row(row: &Row) -> RowView<'_> {
    RowView {
        name: row.name.as_str(),
        kind: &row.kind,
        id: &row.id,
        verdict: match row.verdict() {
            Verdict::Keep => "keep",
            Verdict::Reap => "reap",
        },
        reason: row.reason.word(),
        text: row.reason.to_string(),
        steps: row.steps.iter().map(Step::as_str).collect(),
        since: row.since.map(clock::show),
        detail: &row.detail,
    }
}

fn warning(warning: &Warning) -> WarningView<'_> {
    WarningView {
        kind: warning.kind.word(),
        about: &warning.about,
        text: &warning.text,
    }
}

fn item(item: &Item) -> ItemView<'_> {
    ItemView {
        name: item.name.as_str(),
        kind: &item.kind,
        id: &item.id,
        outcome: item.outcome.word(),
        text: item.outcome.text(),
        appeared: item.appeared,
    }
}
