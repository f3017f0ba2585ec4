//! Alerts to send, and sinks to send them by.

use std::time::Duration;

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{CauseKind, Setting, Settings};
use runward_sinks::Sink;
use serde_json::json;

/// Text that a tenant could write.
pub(crate) const HOSTILE: &[&str] = &[
    "<!channel> <@U1> <https://example.org|click>",
    "https://example.org/a?b=c&d",
    "a\r\nBcc: victim@example.org\r\n\r\nbody",
    "a\n.\nb\r\n.\r\nQUIT",
    "\u{202e}txt.exe\u{2066}\u{200b}\u{feff}",
    "\u{0}\u{7}\u{1b}[31m",
    "*bold* _x_ ~y~ `z` :tada: @here #general",
    "\"quotes\" \\ and 'more' {\"json\": 1}",
    "'; DROP TABLE x; -- $(reboot) `reboot`",
    "ünïcödé 💥 \u{10ffff}",
];

/// An alert with that text wherever there is text.
pub(crate) fn alert(text: &str) -> Alert {
    let line = json!({"subject": text, "kind": text, "text": text});
    let many = if text.len() < 10_000 { 30 } else { 1 };
    let lines: Vec<_> = (0..many).map(|_| line.clone()).collect();
    let value = json!({
        "id": format!("host/{text}/opened/1"), "reason": "opened", "invariant": text, "title": text, "severity": "critical",
        "at": "2026-05-20T12:00:00Z", "since": "2026-05-20T11:00:00Z", "instance": text, "lines": lines, "all": 99, "red": 3, "runbook": text,
    });
    serde_json::from_value(value).expect("an alert")
}

/// An alert like most.
pub(crate) fn plain() -> Alert {
    let value = json!({
        "id": "host/S-01/opened/1779278400000000", "reason": "opened", "invariant": "S-01", "title": "Slots and rows are the same", "severity": "major",
        "at": "2026-05-20T12:00:00Z", "since": null, "instance": "host",
        "lines": [{"subject": "agent-1", "kind": "left_only", "text": "agent-1 has a slot without a row"}], "all": 2, "red": 2, "runbook": "Look for a release that did not run.",
    });
    serde_json::from_value(value).expect("an alert")
}

pub(crate) fn megabyte() -> String {
    "<\u{202e}💥&".repeat(100_000)
}

pub(crate) fn text(value: impl Into<String>) -> Setting {
    Setting::Text(value.into())
}

pub(crate) fn settings<const N: usize>(pairs: [(&str, Setting); N]) -> Settings {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(crate) fn open<const N: usize>(kind: &str, pairs: [(&str, Setting); N]) -> Box<dyn Sink> {
    runward_sinks::open(kind, &settings(pairs), &|_| None).expect("the sink opens")
}

/// More than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn send(sink: &dyn Sink) -> Delivery {
    sink.deliver(&plain(), LONG)
}

/// Why it failed.
pub(crate) fn cause(delivery: Delivery) -> (CauseKind, String) {
    match delivery {
        Delivery::Failed(cause) => (cause.kind(), cause.detail().to_owned()),
        other => panic!("it did not fail: {other:?}"),
    }
}
