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
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => c,
        _ => '.',
    };
    // The end of it is what tells one alert from the next.
    let over = id.chars().count().saturating_sub(200);
    let text: String = id.chars().skip(over).map(safe).collect();
    // Two dots in a row, or one at an end, are none of an id's.
    let parts: Vec<_> = text.split('.').filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_two_alerts_stay_two_however_long_their_names_are() {
        let id = |name: &str, at| safe(&format!("{}/{}/recovered/{at}", "h".repeat(32), name));
        let long = "n".repeat(81);
        assert_ne!(
            id(&long, 1_779_278_400_000_001_u64),
            id(&long, 1_779_278_400_000_002)
        );
        assert_ne!(id("a_b", 1), id("a.b", 1));
    }
}
