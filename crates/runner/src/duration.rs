//! Durations as people write them: `90s`, `10m`, `1h 30m`, or bare seconds.
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serializer;
use serde::de::{self, Deserialize, Deserializer, Visitor};

const REMEDY: &str = "write 90s, 10m, 1h 30m, or bare seconds";
/// Far beyond any run, and far below what clocks and timers overflow at.
const LONGEST: Duration = Duration::from_secs(10_000 * 86_400);

/// A length of time from the command line, the environment or the configuration file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(Duration);

/// Why a text is not a [`Span`]; whoever reports it names the text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpanError {
    #[error("the duration is empty; {REMEDY}")]
    Empty,
    #[error("a duration cannot be negative; {REMEDY}")]
    Negative,
    #[error("expected a number at {0:?}; {REMEDY}")]
    Number(String),
    #[error("unknown unit {0:?}; units are ms, s, m, h, d")]
    Unit(String),
    #[error("{0} lacks a unit; {REMEDY}")]
    NoUnit(String),
    #[error("longer than 10000d; leave the option out for no limit")]
    TooLong,
}

impl Span {
    pub(crate) const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// To the millisecond, as all that is shown and written.
    pub(crate) fn from_millis(time: Duration) -> Self {
        Self(Duration::from_millis(millis(time)))
    }

    pub(crate) const fn get(self) -> Duration {
        self.0
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whole milliseconds, as the record and the plan give times.
    pub(crate) fn as_millis(self) -> u64 {
        millis(self.0)
    }

    /// For the fields whose names end in `_ms`.
    pub(crate) fn serialize_millis<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.as_millis())
    }

    fn checked(total: Duration) -> Result<Self, SpanError> {
        if total > LONGEST {
            Err(SpanError::TooLong)
        } else {
            Ok(Self(total))
        }
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let text = text.trim();
        match text.as_bytes().first() {
            None => return Err(SpanError::Empty),
            Some(b'-') => return Err(SpanError::Negative),
            Some(_) => {}
        }
        let (number, rest) = split_number(text)?;
        if rest.is_empty() {
            return Self::checked(scale(number, 1_000)?);
        }
        Self::checked(sum_of_parts(text)?)
    }
}

fn sum_of_parts(mut text: &str) -> Result<Duration, SpanError> {
    let mut total = Duration::ZERO;
    while !text.is_empty() {
        let (number, rest) = split_number(text)?;
        let (unit, rest) = split_unit(rest.trim_start());
        if unit.is_empty() {
            return Err(SpanError::NoUnit(number.to_owned()));
        }
        let part = scale(number, millis_of(unit)?)?;
        total = total.checked_add(part).ok_or(SpanError::TooLong)?;
        text = rest.trim_start();
    }
    Ok(total)
}

fn split_number(text: &str) -> Result<(&str, &str), SpanError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if number.starts_with(|c: char| c.is_ascii_digit()) && number.matches('.').count() < 2 {
        Ok((number, rest))
    } else {
        Err(SpanError::Number(text.to_owned()))
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| c.is_ascii_digit() || c.is_whitespace())
            .unwrap_or(text.len()),
    )
}

fn millis_of(unit: &str) -> Result<u64, SpanError> {
    Ok(match unit {
        "ms" | "msec" | "millis" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return Err(SpanError::Unit(unit.to_owned())),
    })
}

/// `number` (decimal digits, perhaps a fraction) times a unit, without a detour over floats.
fn scale(number: &str, unit_millis: u64) -> Result<Duration, SpanError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| SpanError::TooLong)?;
    let millis = whole.checked_mul(unit_millis).ok_or(SpanError::TooLong)?;
    let digits = format!("{fraction:0<6.6}");
    let millionths: u64 = digits
        .parse()
        .map_err(|_| SpanError::Number(number.to_owned()))?;
    // At most 86.4e6 ms of a day times 1e6 - 1: far from overflow.
    Ok(Duration::from_millis(millis) + Duration::from_nanos(millionths * unit_millis))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.as_millis();
        if left == 0 {
            return f.write_str("0s");
        }
        let mut space = "";
        for (unit, size) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
            ("ms", 1),
        ] {
            if left >= size {
                write!(f, "{space}{}{unit}", left / size)?;
                left %= size;
                space = " ";
            }
        }
        Ok(())
    }
}

/// A measured time, short: `0s`, `12ms`, `1.2s`, `2m 5s`.
pub(crate) fn human(elapsed: Duration) -> String {
    match millis(elapsed) {
        0 => "0s".to_owned(),
        ms @ 1..1_000 => format!("{ms}ms"),
        ms @ 1_000..60_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        ms => Span::from_secs(ms / 1_000).to_string(),
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SpanVisitor)
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration like \"90s\", \"10m\", \"1h 30m\", or seconds")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, secs: i64) -> Result<Span, E> {
        secs.to_string().parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, secs: f64) -> Result<Span, E> {
        secs.to_string().parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> Result<u64, SpanError> {
        text.parse::<Span>().map(Span::as_millis)
    }

    #[test]
    fn the_forms_of_the_contract() {
        assert_eq!(ms("90s"), Ok(90_000));
        assert_eq!(ms("10m"), Ok(600_000));
        assert_eq!(ms("1h 30m"), Ok(5_400_000));
        assert_eq!(ms("1h30m"), Ok(5_400_000));
        assert_eq!(ms("90"), Ok(90_000));
        assert_eq!(ms("0"), Ok(0));
        assert_eq!(ms("0.25"), Ok(250));
        assert_eq!(ms("1.5h"), Ok(5_400_000));
        assert_eq!(ms(" 2 hours 3 min "), Ok(7_380_000));
        assert_eq!(ms("250ms"), Ok(250));
    }

    #[test]
    fn each_mistake_has_its_name() {
        assert_eq!(ms(""), Err(SpanError::Empty));
        assert_eq!(ms("-5s"), Err(SpanError::Negative));
        assert_eq!(ms("soon"), Err(SpanError::Number("soon".into())));
        assert_eq!(ms("1.2.3s"), Err(SpanError::Number("1.2.3s".into())));
        assert_eq!(ms("10 parsecs"), Err(SpanError::Unit("parsecs".into())));
        assert_eq!(ms("10M"), Err(SpanError::Unit("M".into())));
        assert_eq!(ms("1h 30"), Err(SpanError::NoUnit("30".into())));
        assert_eq!(ms("99999999999999999999"), Err(SpanError::TooLong));
        assert_eq!(ms("10001d"), Err(SpanError::TooLong));
        assert_eq!(ms("10000d"), Ok(864_000_000_000));
    }

    #[test]
    fn measured_times_are_short() {
        let short = |ms| human(Duration::from_millis(ms));
        assert_eq!(
            [short(0), short(12), short(1_290), short(125_000)],
            ["0s", "12ms", "1.2s", "2m 5s"]
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ms in 0u64..=864_000_000_000) {
            let span = Span(Duration::from_millis(ms));
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn bare_numbers_are_seconds(secs in 0u64..=864_000_000) {
            prop_assert_eq!(secs.to_string().parse(), Ok(Span::from_secs(secs)));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<Span>();
        }

        #[test]
        fn near_durations_do_not_panic(text in "[0-9.]{0,12} ?[a-zé]{0,3} ?[0-9.]{0,25}[mshd]?") {
            let _ = text.parse::<Span>();
        }
    }
}
