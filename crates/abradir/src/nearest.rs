use strsim::levenshtein;

/// The known name that `typed` most likely meant, if one is near.
pub(crate) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = typed.chars().count().div_ceil(3).min(3);
    let scored = known
        .into_iter()
        .map(|name| (levenshtein(typed, name), name));
    scored
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// A suggestion to end a message with, or all there are to choose from.
pub(crate) fn suggestion(typed: &str, known: &[&str]) -> String {
    match nearest(typed, known.iter().copied()) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name() {
        let known = ["own", "link", "copy", "absent"];
        assert_eq!(nearest("lnik", known), Some("link"));
        assert_eq!(nearest("coppy", known), Some("copy"));
        assert_eq!(nearest("nothing", known), None);
        assert_eq!(nearest("", known), None);
    }
}
