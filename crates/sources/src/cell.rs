use std::borrow::Cow;

use runward_canary::{Kind, Stamp, Value};

/// One field of an answer, before it becomes a value of its column's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Time(Stamp),
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Bytes as text. What is no text keeps its bytes, escaped, so that two names stay two.
    pub(crate) fn bytes(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::text(text),
            Err(_) => Self::text(bytes.escape_ascii().to_string()),
        }
    }

    /// The value for a column of that kind; what is none of it stays text.
    pub(crate) fn value(&self, kind: Kind) -> Value {
        match (self, kind) {
            (Self::Null, _) => Value::Null,
            (Self::Bool(bool), Kind::Bool | Kind::Any) => Value::Bool(*bool),
            (Self::Bool(bool), Kind::Int) => Value::Int((*bool).into()),
            (Self::Bool(bool), _) => Value::text(bool.to_string()),
            (Self::Int(int), Kind::Int | Kind::Any) => Value::Int(*int),
            (Self::Int(int), Kind::Time) => match int.checked_mul(1_000_000) {
                Some(micros) => Value::Time(Stamp::from_micros(micros)),
                None => Value::text(int.to_string()),
            },
            (Self::Int(int), _) => Value::read(kind, &int.to_string()),
            (Self::Time(stamp), Kind::Time | Kind::Any) => Value::Time(*stamp),
            (Self::Time(stamp), _) => Value::text(stamp.to_string()),
            (Self::Text(text), _) => Value::read(kind, text),
        }
    }
}

/// A value as it is filled in where something is asked for it; none for null.
pub(crate) fn filled(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Int(int) => Some(int.to_string().into()),
        Value::Bool(bool) => Some(bool.to_string().into()),
        Value::Time(stamp) => Some(stamp.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_stay_apart() {
        assert_eq!(Cell::bytes(b"a\xff"), Cell::text("a\\xff"));
        assert_ne!(Cell::bytes(b"a\xff"), Cell::bytes(b"a\xfe"));
    }

    #[test]
    fn a_cell_is_of_its_columns_kind_or_text() {
        let second = Value::Time(Stamp::from_micros(1_000_000));
        assert_eq!(Cell::Int(1).value(Kind::Time), second);
        let far = Cell::Int(i64::MAX).value(Kind::Time);
        assert_eq!(far, Value::text(i64::MAX.to_string()));
        assert_eq!(Cell::Int(1).value(Kind::Bool), Value::Bool(true));
        assert_eq!(Cell::Int(7).value(Kind::Bool), Value::text("7"));
        assert_eq!(Cell::Int(7).value(Kind::Text), Value::text("7"));
        assert_eq!(Cell::Null.value(Kind::Text), Value::Null);
    }
}
