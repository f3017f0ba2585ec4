use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::found::show;
use crate::json::{Kind, Number, Value, quote};
use crate::spec::operand::Type;
use crate::time::Instant;

/// A value of a known type.
#[derive(Clone)]
pub(crate) enum Datum<'d> {
    Integer(i128),
    Float(f64),
    Text(Cow<'d, str>),
    Bool(bool),
    Time(Instant),
    Any(Value<'d>),
}

/// The value as that type, or what it is instead. Nothing is converted.
pub(crate) fn typed(value: Value<'_>, ty: Type) -> Result<Datum<'_>, &'static str> {
    let found = value.kind().name();
    match ty {
        Type::Any => Some(Datum::Any(value)),
        Type::Bool => match value.kind() {
            Kind::True => Some(Datum::Bool(true)),
            Kind::False => Some(Datum::Bool(false)),
            _ => None,
        },
        Type::String => value.string().map(Datum::Text),
        Type::Time => return time(value),
        Type::Finite => value.number().and_then(finite).map(Datum::Float),
        Type::U64 | Type::I64 => return integer(value, ty),
    }
    .ok_or(found)
}

fn integer(value: Value<'_>, ty: Type) -> Result<Datum<'_>, &'static str> {
    let range = match ty {
        Type::U64 => 0..=i128::from(u64::MAX),
        _ => i128::from(i64::MIN)..=i128::from(i64::MAX),
    };
    match value.number() {
        Some(Number::Integer(n)) if range.contains(&n) => Ok(Datum::Integer(n)),
        Some(Number::Integer(..0)) => Err("negative"),
        Some(Number::Integer(_) | Number::Huge(_)) => Err("beyond 64 bits"),
        _ => Err(value.kind().name()),
    }
}

fn time(value: Value<'_>) -> Result<Datum<'_>, &'static str> {
    let text = value.string().ok_or(value.kind().name())?;
    let instant = Instant::parse(&text);
    instant
        .map(Datum::Time)
        .ok_or("no time as 2026-05-19T03:18:02Z, with its zone")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "`finite` is for measurements; exact integers have types of their own"
)]
fn finite(number: Number<'_>) -> Option<f64> {
    match number {
        Number::Integer(n) => Some(n as f64),
        Number::Float(x) => Some(x),
        Number::Huge(_) => None,
    }
}

impl<'d> Datum<'d> {
    /// A text as that type.
    pub(crate) fn read(text: &'d str, ty: Type) -> Option<Self> {
        match ty {
            Type::String | Type::Any => Some(Self::Text(Cow::Borrowed(text))),
            Type::U64 => plain(text)
                .map(Self::Integer)
                .filter(|_| !text.starts_with('-')),
            Type::I64 => plain(text)
                .filter(|n| i64::try_from(*n).is_ok())
                .map(Self::Integer),
            Type::Finite => text
                .parse()
                .ok()
                .filter(|x: &f64| x.is_finite())
                .map(Self::Float),
            Type::Bool => text.parse().ok().map(Self::Bool),
            Type::Time => Instant::parse(text).map(Self::Time),
        }
    }

    /// How it compares with one of its own type. Of values without an order: equal, or not.
    pub(crate) fn order(&self, other: &Datum<'_>) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Datum::Integer(b)) => a.cmp(b),
            (Self::Float(a), Datum::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Less),
            (Self::Text(a), Datum::Text(b)) => a.cmp(b),
            (Self::Bool(a), Datum::Bool(b)) => a.cmp(b),
            (Self::Time(a), Datum::Time(b)) => a.cmp(b),
            (Self::Any(a), Datum::Any(b)) if a.same(*b) => Ordering::Equal,
            _ => Ordering::Less,
        }
    }

    /// How far apart, where that means something: seconds between times.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bounds of an interval are floats"
    )]
    pub(crate) fn after(&self, before: &Datum<'_>) -> Option<f64> {
        match (self, before) {
            (Self::Integer(b), Datum::Integer(a)) => Some((b - a) as f64),
            (Self::Float(b), Datum::Float(a)) => Some(b - a),
            (Self::Time(b), Datum::Time(a)) => Some(b.since(*a) as f64 / 1e9),
            _ => None,
        }
    }
}

/// A decimal integer of 64 bits, written as machines write it.
fn plain(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = text
        .parse()
        .ok()
        .filter(|_| decimal && digits.len() <= 20)?;
    (number <= i128::from(u64::MAX)).then_some(number)
}

impl fmt::Display for Datum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(n) => write!(f, "{n}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Text(text) => f.write_str(&show(&quote(text))),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Time(instant) => write!(f, "{instant}"),
            Self::Any(value) => f.write_str(&show(value.text())),
        }
    }
}
