//! Instants as RFC 3339 writes them.

/// A point in time: seconds of the Unix epoch and nanoseconds. Two spellings of one instant are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    seconds: i64,
    nanos: u32,
}

impl Instant {
    /// Reads a date and time with its zone; none if it is anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        let placed = separators.iter().all(|(at, c)| bytes.get(*at) == Some(c));
        if !placed || !matches!(bytes.get(10), Some(b'T' | b't')) {
            return None;
        }
        let (year, month, day) = (field(text, 0, 4)?, field(text, 5, 7)?, field(text, 8, 10)?);
        let clock = clock(
            field(text, 11, 13)?,
            field(text, 14, 16)?,
            field(text, 17, 19)?,
        )?;
        let (nanos, zone) = fraction(text.get(19..)?)?;
        let seconds = days(year, month, day)? * 86_400 + clock - offset(zone)?;
        Some(Self { seconds, nanos })
    }

    /// The time of a clock, within the years from the epoch to 9999.
    pub(crate) fn of(time: std::time::SystemTime) -> Self {
        let since = time.duration_since(std::time::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        // No year has five digits.
        let seconds = since.as_secs().min(253_402_300_799);
        Self {
            seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
            nanos: since.subsec_nanos(),
        }
    }

    /// The same time of another second.
    pub(crate) fn plus_seconds(self, seconds: i64) -> Option<Self> {
        let seconds = self.seconds.checked_add(seconds)?;
        let nanos = self.nanos;
        Some(Self { seconds, nanos })
    }

    /// How long after the other one, in nanoseconds.
    pub(crate) fn since(self, other: Self) -> i128 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        seconds * 1_000_000_000 + i128::from(self.nanos) - i128::from(other.nanos)
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = date(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match self.nanos {
            0 => write!(f, "Z"),
            nanos => write!(f, ".{nanos:09}Z"),
        }
    }
}

fn field(text: &str, from: usize, to: usize) -> Option<i64> {
    let digits = text.get(from..to)?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// Seconds of the day; the leap second counts as the one after it.
fn clock(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let leap = second == 60 && minute == 59;
    let holds = hour < 24 && minute < 60 && (second < 60 || leap);
    holds.then_some(hour * 3600 + minute * 60 + second)
}

/// Nanoseconds, and the zone behind them.
fn fraction(rest: &str) -> Option<(u32, &str)> {
    let Some(rest) = rest.strip_prefix('.') else {
        return Some((0, rest));
    };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = rest.split_at(count);
    if !(1..=9).contains(&count) {
        return None;
    }
    format!("{digits:0<9}")
        .parse()
        .ok()
        .map(|nanos| (nanos, zone))
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'Z' | b'z' if zone.len() == 1 => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hour, minute) = (field(zone, 1, 3)?, field(zone, 4, 6)?);
    let holds = zone.len() == 6 && zone.as_bytes()[3] == b':' && hour < 24 && minute < 60;
    holds.then_some(sign * (hour * 3600 + minute * 60))
}

/// Days since the epoch, in the Gregorian calendar; none for a day that no month has.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, wraps) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + wraps, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect(text)
    }

    #[test]
    fn zones_and_spellings_are_one_instant() {
        assert_eq!(
            at("2026-05-19T03:18:02Z"),
            at("2026-05-19T04:18:02.000+01:00")
        );
        assert_eq!(at("1970-01-01T00:00:00z").seconds, 0);
        assert_eq!(at("2000-02-29t23:59:60Z"), at("2000-03-01T00:00:00Z"));
        assert!(at("2026-05-19T03:18:02.1Z") > at("2026-05-19T03:18:02.099999999Z"));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "2026-13-19T03:18:02Z",
            "2026-02-29T00:00:00Z",
            "2026-05-19T03:18:02",
            "2026-05-19 03:18:02Z",
            "2026-05-19T24:00:00Z",
            "2026-05-19T03:18:02.Z",
            "2026-05-19T03:18:02.1234567890Z",
            "2026-05-19T03:18:02+1:00",
            "2026-05-19T03:18:02Zx",
            "2026-05-19T03:18:+2Z",
            "just now",
            "",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in -62_135_596_800i64..253_402_300_800, nanos in 0u32..1_000_000_000) {
            let instant = Instant { seconds, nanos };
            proptest::prop_assert_eq!(Instant::parse(&instant.to_string()), Some(instant));
        }
    }
}
