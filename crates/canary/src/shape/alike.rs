//! Whether two values are one, in whatever form they are written.

use crate::{Kind, Value};

/// Whether two values are one; none if they cannot be compared. Databases write the truth as a number, and a column of any kind may hold a number as text.
pub(super) fn alike(one: &Value, other: &Value) -> Option<bool> {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => Some(one == other),
        (Value::Text(text), cell) | (cell, Value::Text(text)) => written(text, cell),
        (Value::Bool(yes), Value::Int(int)) | (Value::Int(int), Value::Bool(yes)) => {
            matches!(int, 0..=1).then_some(*int == i64::from(*yes))
        }
        (Value::Time(_), Value::Time(_))
        | (Value::Int(_), Value::Int(_))
        | (Value::Bool(_), Value::Bool(_)) => Some(one == other),
        _ => None,
    }
}

/// Whether a text says what a cell of another kind does.
fn written(text: &str, cell: &Value) -> Option<bool> {
    let kind = match cell {
        Value::Int(_) => Kind::Int,
        Value::Bool(_) => Kind::Bool,
        Value::Time(_) => Kind::Time,
        _ => return Some(cell.as_text() == Some(text)),
    };
    match (Value::read(kind, text), kind) {
        // A word is no number. A number that is no whole one may have been meant for it.
        (Value::Text(text), Kind::Int) => text.trim().parse::<f64>().is_err().then_some(false),
        (Value::Text(_), _) => None,
        (read, _) => Some(read == *cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_are_alike_in_all_their_forms() {
        for (value, cell) in [
            (Value::Int(3), Value::text("3")),
            (Value::text("3"), Value::Int(3)),
            (Value::Bool(true), Value::Int(1)),
        ] {
            assert_eq!(alike(&value, &cell), Some(true), "{value:?} {cell:?}");
        }
        for (value, cell) in [
            (Value::Int(3), Value::text("4")),
            (Value::Int(0), Value::Null),
            (Value::text("x"), Value::Int(0)),
            (Value::Bool(true), Value::text("False")),
        ] {
            assert_eq!(alike(&value, &cell), Some(false), "{value:?} {cell:?}");
        }
        for (value, cell) in [
            (Value::Int(5), Value::text("5.0")),
            (Value::Int(5), Value::text("NaN")),
            (Value::Int(5), Value::text("1e300")),
            (Value::Bool(true), Value::text("yes")),
            (Value::Bool(true), Value::Int(7)),
        ] {
            assert_eq!(alike(&value, &cell), None, "{value:?} {cell:?}");
            assert_eq!(alike(&cell, &value), None, "{value:?} {cell:?}");
        }
    }
}
