use std::cmp::Ordering;

/// A number as it was written: integers are never floats.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number<'d> {
    Integer(i128),
    /// An integer that no 64 bits hold, with its digits.
    Huge(&'d str),
    Float(f64),
}

impl<'d> Number<'d> {
    pub(crate) fn integer(text: &'d str) -> Self {
        match text.parse::<i128>() {
            Ok(n) if i128::from(i64::MIN) <= n && n <= i128::from(u64::MAX) => Self::Integer(n),
            _ => Self::Huge(text),
        }
    }

    pub(crate) fn float(text: &str) -> Self {
        Self::Float(text.parse().unwrap_or(f64::NAN))
    }

    /// Equal in type and value.
    pub(crate) fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Huge(a), Self::Huge(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b) == Some(Ordering::Equal),
            _ => false,
        }
    }
}
