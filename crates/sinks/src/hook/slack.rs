//! Blocks: a header, a summary, what was seen, where to look, and the context. What is longer than Slack takes would lose the whole message, so it is cut here.

use runward_canary::Severity;
use runward_canary::alert::{Alert, Reason};
use serde_json::{Value, json};

use crate::text;

/// Slack's limits, in characters.
const HEADER: usize = 150;
const SECTION: usize = 3_000;

pub(super) fn message(alert: &Alert) -> String {
    let headline = format!("{} {}", sign(alert), text::headline(alert));
    let blocks = [
        Some(header(&headline)),
        section(&text::lines(alert).join("\n")),
        section(&text::runbook(alert)),
        Some(json!({"type": "context", "elements": [plain(&text::context(alert), SECTION)]})),
    ];
    let blocks: Vec<Value> = blocks.into_iter().flatten().collect();
    // For notifications and for readers without blocks. Nothing in it becomes a link, a mention or an image.
    json!({
        "text": cut(&headline, SECTION),
        "mrkdwn": false,
        "link_names": false,
        "parse": "none",
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
    .to_string()
}

fn header(text: &str) -> Value {
    json!({"type": "header", "text": plain(text, HEADER)})
}

fn section(text: &str) -> Option<Value> {
    let is_there = !text.is_empty();
    is_there.then(|| json!({"type": "section", "text": plain(text, SECTION)}))
}

fn plain(text: &str, most: usize) -> Value {
    json!({"type": "plain_text", "emoji": false, "text": cut(text, most)})
}

/// Escaped, and so short that it is taken; never in the middle of an escape.
fn cut(text: &str, most: usize) -> String {
    let mut kept = String::new();
    let mut length = 0;
    for c in text.chars() {
        let mut own = [0; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c => c.encode_utf8(&mut own),
        };
        // As UTF-16 counts: whoever counts otherwise counts less.
        let more = piece.encode_utf16().count();
        if length + more > most - 1 {
            kept.push('…');
            break;
        }
        kept.push_str(piece);
        length += more;
    }
    kept
}

fn sign(alert: &Alert) -> char {
    match (alert.reason, alert.severity) {
        (Reason::Recovered | Reason::Sighted, _) => '\u{2705}',
        (_, Severity::Critical) => '\u{1f6a8}',
        (_, Severity::Major) => '\u{26a0}',
        (_, Severity::Minor) => '\u{1f7e1}',
    }
}
