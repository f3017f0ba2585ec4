use strsim::levenshtein;

/// The known name that `typed` most likely meant, if one is near.
pub(crate) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Long texts are not names, and each comparison costs the product of two lengths.
    let length = typed.chars().count();
    let allowed = length.div_ceil(3).min(3);
    let like = known
        .into_iter()
        .take(1000)
        .filter(|name| length < 100 && name.len().abs_diff(typed.len()) <= 12);
    let scored = like.map(|name| (levenshtein(typed, name), name));
    scored
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// As the end of a message: `; did you mean …?`, or nothing.
pub(crate) fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// As the end of a message where all may be listed: the one that was meant, or else every one.
pub(crate) fn choice<'a>(typed: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match hint(typed, known.clone()) {
        near if !near.is_empty() => near,
        _ => format!(
            "; there are {}",
            known.into_iter().collect::<Vec<_>>().join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let known = ["left", "right", "regex", "rows"];
        assert_eq!(nearest("regx", known), Some("regex"));
        assert_eq!(nearest("rigth", known), Some("right"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(hint("row", known), "; did you mean `rows`?");
        assert_eq!(choice("row", known), "; did you mean `rows`?");
        assert_eq!(
            choice("colour", known),
            "; there are left, right, regex, rows"
        );
    }
}
