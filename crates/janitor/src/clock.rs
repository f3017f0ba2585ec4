use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that four digits of a year can write.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The time in UTC; one that cannot be written is shown as the nearest that can.
pub(crate) fn show(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_millis(UNIX_EPOCH + since.min(LAST)).to_string()
}
