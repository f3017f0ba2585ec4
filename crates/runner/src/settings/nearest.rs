use strsim::levenshtein;

/// The known name that `typed` most likely meant, if one is near.
pub(super) fn nearest<'a>(
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
}
