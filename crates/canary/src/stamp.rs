use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time, in whole microseconds of the Unix epoch. Written and read as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Stamp(i64);

impl Stamp {
    /// So many microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time of a clock. What lies outside of ±292,000 years is the nearest that does not.
    pub fn of(time: SystemTime) -> Self {
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => micros(after),
            Err(before) => -micros(before.duration()),
        })
    }

    /// Reads RFC 3339, also with a space for the `T`, and without a zone, which is then UTC. None if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let zoned = text.parse::<jiff::Timestamp>().ok();
        let civil = || {
            let plain = text.parse::<jiff::civil::DateTime>().ok()?;
            plain.to_zoned(jiff::tz::TimeZone::UTC).ok()
        };
        let read = zoned.or_else(|| Some(civil()?.timestamp()))?;
        Some(Self(read.as_microsecond()))
    }

    /// Microseconds of the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// How long after the other one, in microseconds; negative if before.
    pub const fn since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// The time that much later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

/// Whole microseconds, the most there are if it is longer.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            // Beyond the year 9999: not a time that anybody meant, and still one value of its own.
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> Self {
        stamp.to_string()
    }
}

impl TryFrom<String> for Stamp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let far = || text.strip_suffix("us")?.parse().ok().map(Self);
        Self::parse(&text)
            .or_else(far)
            .ok_or_else(|| format!("`{text}` is no time as RFC 3339 writes it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_fractions_and_naive_times_are_instants() {
        let noon = Stamp::parse("2026-05-20T12:00:00Z").expect("a time");
        for same in [
            "2026-05-20T14:00:00+02:00",
            "2026-05-20 12:00:00",
            "2026-05-20T12:00:00.000000Z",
        ] {
            assert_eq!(Stamp::parse(same), Some(noon), "{same}");
        }
        assert_eq!(Stamp::parse("noon"), None);
        assert_eq!(noon.to_string(), "2026-05-20T12:00:00.000000Z");
        assert_eq!(Stamp::try_from(noon.to_string()), Ok(noon));
        let far = Stamp::from_micros(i64::MAX);
        assert_eq!(Stamp::try_from(far.to_string()), Ok(far));
    }
}
