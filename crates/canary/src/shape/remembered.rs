//! What is remembered of a row: whose it is, which one, and which bearer of that name.

use std::borrow::Cow;

use super::cell::Trouble;
use crate::Value;

/// A key of these parts: each with its length in front, so that no text of a tenant can look like two of them.
pub(super) fn key<const N: usize>(parts: [&str; N]) -> String {
    let mut key = String::new();
    for part in parts {
        key.push_str(&part.len().to_string());
        key.push(':');
        key.push_str(part);
    }
    key
}

/// The first part of a key.
pub(super) fn subject(key: &str) -> &str {
    let framed = key.split_once(':');
    let part = framed.and_then(|(length, rest)| rest.get(..length.parse().ok()?));
    part.unwrap_or_default()
}

/// What tells one bearer of an id from the next.
pub(super) fn generation<'r, 'n>(
    cell: &'r Value,
    name: &'n str,
) -> Result<Cow<'r, str>, Trouble<'n>> {
    Ok(match cell {
        Value::Null => return Err(Trouble::Missing(name)),
        Value::Bool(_) => return Err(Trouble::Malformed(name)),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Int(int) => int.to_string().into(),
        Value::Time(stamp) => stamp.to_string().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_make_one_key() {
        for (one, other) in [(["a", "b1:c"], ["a1:b", "c"]), (["", "a"], ["a", ""])] {
            assert_ne!(key(one), key(other));
            assert_eq!(subject(&key(one)), one[0]);
            assert_eq!(subject(&key(other)), other[0]);
        }
    }
}
