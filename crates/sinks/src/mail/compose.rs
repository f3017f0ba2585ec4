use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use runward_canary::alert::Alert;
use runward_canary::{Cause, CauseKind, Stamp, bounded};

use crate::text;

/// The mail. Its headers are text without control characters, encoded by the library; its id is the alert's, so that what comes twice is known.
pub(super) fn message(alert: &Alert, from: &Mailbox, to: &[Mailbox]) -> Result<Message, Cause> {
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(bounded(&text::headline(alert), 200))
        .date(time(alert.at))
        .message_id(Some(format!(
            "<{}@{}>",
            safe(&alert.id),
            from.email.domain()
        )))
        .raw_header(automatic)
        .header(ContentType::TEXT_PLAIN);
    for mailbox in to {
        builder = builder.to(mailbox.clone());
    }
    let failed = |error| Cause::new(CauseKind::Malformed, format!("write the mail: {error}"));
    builder.body(body(alert)).map_err(failed)
}

fn body(alert: &Alert) -> String {
    let mut parts = vec![text::headline(alert), text::lines(alert).join("\n")];
    let runbook = text::runbook(alert);
    if !runbook.is_empty() {
        parts.push(format!("Look first: {runbook}"));
    }
    parts.push(text::context(alert));
    let mut body = parts.join("\n\n");
    body.push('\n');
    body
}

fn time(stamp: Stamp) -> SystemTime {
    let micros = u64::try_from(stamp.as_micros()).unwrap_or(0);
    // Beyond the year 9999 there is no date in a mail.
    UNIX_EPOCH + Duration::from_micros(micros.min(253_402_300_799_000_000))
}

fn safe(id: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c,
        _ => '.',
    };
    let text: String = id.chars().take(120).map(safe).collect();
    // Two dots in a row, or one at an end, are none of an id's.
    let parts: Vec<_> = text.split('.').filter(|part| !part.is_empty()).collect();
    parts.join(".")
}
