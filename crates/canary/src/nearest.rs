use strsim::levenshtein;

/// So many names are a list that is read.
const LISTED: usize = 40;

/// As the end of a message: `; did you mean …?`, or all names that are known.
pub(crate) fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(typed, known.iter().copied()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None if known.is_empty() => "; there is none at all".to_owned(),
        None => format!("; known: {}", listed(&known)),
    }
}

/// The names, or as many of them as are read.
pub(crate) fn listed(known: &[&str]) -> String {
    let some = known.iter().take(LISTED).copied().collect::<Vec<_>>();
    match known.len().saturating_sub(LISTED) {
        0 => some.join(", "),
        more => format!("{}, and {more} more", some.join(", ")),
    }
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
