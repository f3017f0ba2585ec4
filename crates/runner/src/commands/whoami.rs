use std::fmt::Write;

use serde::Serialize;

use super::{print, print_json};
use crate::cli::WhoamiArgs;
use crate::environment::Environment;
use crate::error::Result;
use crate::identity::{Ci, Identity, process_id, pull_request_of_event};
use crate::terminal::printable;

/// What `whoami` shows. Fields may be added; none is removed or renamed within schema 1.
#[derive(Serialize)]
struct Report {
    schema: u32,
    ci: Ci,
    run_id: String,
    repository: Option<String>,
    pull_request: Option<String>,
    build: Option<String>,
    outer_limit: Option<Limit>,
}

#[derive(Serialize)]
struct Limit {
    variable: &'static str,
    ms: u64,
    #[serde(skip)]
    text: String,
}

pub(crate) fn main(args: &WhoamiArgs) -> Result<()> {
    let report = report(&Environment::of_this_process());
    if args.json {
        print_json(&report)
    } else {
        print(text(&report).as_bytes())
    }
}

fn report(env: &Environment) -> Report {
    let found = Identity::detect(env);
    let event = || {
        env.os("GITHUB_EVENT_PATH")
            .filter(|_| found.ci == Ci::GitHub)
    };
    let limit = found.limit.as_ref();
    Report {
        schema: 1,
        ci: found.ci,
        run_id: found.run_id(process_id),
        pull_request: found
            .pull_request
            .clone()
            .or_else(|| pull_request_of_event(event()?.as_ref())),
        outer_limit: limit.map(|limit| Limit {
            variable: limit.variable,
            ms: limit.span.as_millis(),
            text: limit.span.to_string(),
        }),
        repository: found.repository,
        build: found.build,
    }
}

fn text(report: &Report) -> String {
    let limit = report
        .outer_limit
        .as_ref()
        .map(|limit| format!("{} ({})", limit.text, limit.variable));
    let rows = [
        ("ci", Some(report.ci.name())),
        ("run id", Some(&report.run_id)),
        ("repository", report.repository.as_deref()),
        ("pull request", report.pull_request.as_deref()),
        ("build", report.build.as_deref()),
        ("outer limit", limit.as_deref()),
    ];
    rows.into_iter()
        .fold(String::new(), |mut out, (name, value)| {
            let _ = writeln!(
                out,
                "{name:<13} {}",
                value.map_or_else(|| "-".into(), printable)
            );
            out
        })
}
