/// The known name that `typed` most likely meant, if one is near.
pub(super) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = typed.chars().count().div_ceil(3).min(3);
    let scored = known.into_iter().map(|name| (distance(typed, name), name));
    scored
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's, in one row.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["wait", "deadline", "teardown", "teardown-deadline"];

    #[test]
    fn a_slip_finds_its_name() {
        assert_eq!(nearest("wiat", KNOWN), Some("wait"));
        assert_eq!(nearest("deadlin", KNOWN), Some("deadline"));
        assert_eq!(
            nearest("teardown_deadline", KNOWN),
            Some("teardown-deadline")
        );
        assert_eq!(nearest("colour", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
    }

    #[test]
    fn distance_is_symmetric_and_zero_only_for_equals() {
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("kitten", "sitting"), distance("sitting", "kitten"));
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
