use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Stamp;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// An instant.
    Time,
    /// True or false.
    Bool,
    /// As the source has it.
    Any,
}

/// One cell of a [`Table`](crate::Table).
///
/// A cell is of its column's kind, or null, or the text that could not be read as that kind: a time that is none stays
/// what it was, so that a check can say so instead of guessing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Nothing was stored.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An instant.
    Time(Stamp),
    /// Text. A clone is the same text, and no copy of it.
    Text(Arc<str>),
}

impl Value {
    /// Text as a value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// What a source read as text, as a value of that kind; text that is none of it stays text.
    pub fn read(kind: Kind, text: &str) -> Self {
        let read = match kind {
            Kind::Text | Kind::Any => None,
            Kind::Int => text.trim().parse().ok().map(Self::Int),
            Kind::Time => seconds(text).or_else(|| Stamp::parse(text)).map(Self::Time),
            Kind::Bool => truth(text).map(Self::Bool),
        };
        read.unwrap_or_else(|| Self::text(text))
    }

    /// Whether it is what a column of that kind holds, or nothing: a number may stand for a truth, and no text for anything but text.
    pub(crate) fn fits(&self, kind: Kind) -> bool {
        match kind {
            Kind::Any | Kind::Text => true,
            Kind::Int => matches!(self, Self::Null | Self::Int(_) | Self::Bool(_)),
            Kind::Bool => matches!(self, Self::Null | Self::Bool(_) | Self::Int(0..=1)),
            Kind::Time => matches!(self, Self::Null | Self::Time(_)),
        }
    }

    /// Whether nothing was stored.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The instant, if it is one.
    pub fn as_time(&self) -> Option<Stamp> {
        match self {
            Self::Time(stamp) => Some(*stamp),
            _ => None,
        }
    }
}

/// Seconds of the epoch, as Redis scores and `time(2)` have them: `1779278400` or `1779278400.25`, digit by digit and never by a float.
fn seconds(text: &str) -> Option<Stamp> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() {
        return None;
    }
    let micros = digits(fraction.get(..6).unwrap_or(fraction))?;
    let missing = 6_usize.saturating_sub(fraction.len());
    let micros = micros.checked_mul(10_i64.pow(u32::try_from(missing).ok()?))?;
    let whole = digits(whole)?.checked_mul(1_000_000)?;
    let plain = fraction.bytes().all(|byte| byte.is_ascii_digit());
    plain.then_some(Stamp::from_micros(sign * whole.checked_add(micros)?))
}

/// A number without a sign; nothing is zero.
fn digits(text: &str) -> Option<i64> {
    text.bytes().try_fold(0_i64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// As databases and programs write it, in small letters or not.
fn truth(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| {
        words
            .iter()
            .any(|word| text.trim().eq_ignore_ascii_case(word))
    };
    match (is(["1", "t", "true"]), is(["0", "f", "false"])) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_its_kind_or_stays_text() {
        let quarter = Value::Time(Stamp::from_micros(1_779_278_400_250_000));
        assert_eq!(Value::read(Kind::Time, "1779278400.25"), quarter);
        assert_eq!(Value::read(Kind::Time, "2026-05-20T12:00:00.25Z"), quarter);
        assert_eq!(Value::read(Kind::Time, "soon"), Value::text("soon"));
        assert_eq!(Value::read(Kind::Int, " 7 "), Value::Int(7));
        assert_eq!(Value::read(Kind::Int, "7.0"), Value::text("7.0"));
        for (text, truth) in [
            ("t", true),
            ("True", true),
            ("TRUE", true),
            (" 1 ", true),
            ("F", false),
            ("False", false),
        ] {
            assert_eq!(Value::read(Kind::Bool, text), Value::Bool(truth), "{text}");
        }
        for none in ["yes", "on", "2", "", "truth"] {
            assert_eq!(Value::read(Kind::Bool, none), Value::text(none));
        }
        assert_eq!(
            Value::read(Kind::Time, "-0.5"),
            Value::Time(Stamp::from_micros(-500_000))
        );
        assert_eq!(
            Value::read(Kind::Time, "99999999999999999999"),
            Value::text("99999999999999999999")
        );
        let fine = "1.00000199999999999999999999";
        let second = Value::Time(Stamp::from_micros(1_000_001));
        assert_eq!(Value::read(Kind::Time, fine), second);
        for none in ["-", "1.5x", "--1", "1.-5", ".5", "1.00000\u{e4}"] {
            assert_eq!(Value::read(Kind::Time, none), Value::text(none));
        }
    }
}
