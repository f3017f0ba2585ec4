//! The words of an alert, in the order in which people read them; each sink escapes them for its own format.

use runward_canary::alert::{Alert, Line};
use runward_canary::bounded;

/// What a subject's line may have, and how many of them are written, whoever made the alert.
const LINE: usize = 600;
const LINES: usize = 20;

/// In one line.
pub(crate) fn headline(alert: &Alert) -> String {
    bounded(&alert.headline(), 300)
}

/// A line for each subject, and how many there are beyond them.
pub(crate) fn lines(alert: &Alert) -> Vec<String> {
    let mut lines: Vec<_> = alert.lines.iter().take(LINES).map(line).collect();
    let unsaid = alert.all.saturating_sub(lines.len() as u64);
    if unsaid > 0 {
        lines.push(format!("and {unsaid} more"));
    }
    lines
}

fn line(line: &Line) -> String {
    let Line {
        subject,
        kind,
        text,
        ..
    } = line;
    let text = bounded(text, LINE);
    match (subject.as_str(), kind.as_str()) {
        ("", _) => text,
        (subject, kind) => format!("{} ({}): {text}", bounded(subject, 160), bounded(kind, 80)),
    }
}

/// Since when, how many are red, and by which cycle.
pub(crate) fn context(alert: &Alert) -> String {
    let since = match alert.since {
        Some(since) => format!("since {since}, "),
        None => String::new(),
    };
    let by = match bounded(&alert.instance, 120) {
        name if name.is_empty() => String::new(),
        name => format!(" by {name}"),
    };
    format!("{since}{} red now, judged at {}{by}", alert.red, alert.at)
}

pub(crate) fn runbook(alert: &Alert) -> String {
    bounded(&alert.runbook, 1_000)
}
