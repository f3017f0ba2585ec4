use strsim::levenshtein;

/// As the end of a message: `; did you mean …?`, or nothing.
pub(crate) fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The known word that differs in a single letter from what was typed.
pub(crate) fn slip<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    if known.contains(&typed) || !(4..=40).contains(&typed.len()) {
        return None;
    }
    known
        .iter()
        .copied()
        .find(|word| levenshtein(typed, word) == 1)
}

fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
