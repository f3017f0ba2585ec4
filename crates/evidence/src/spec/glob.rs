//! Names with wildcards: `*` and `?` within one name, `**` across directories.

/// Whether a path matches.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    runs(
        &pattern,
        &path,
        |part| *part == "**",
        |part, name| within(part, name),
    )
}

fn within(part: &str, name: &str) -> bool {
    let part: Vec<char> = part.chars().collect();
    let name: Vec<char> = name.chars().collect();
    runs(&part, &name, |c| *c == '*', |c, d| *c == '?' || c == d)
}

/// Matches items against a pattern in which some items stand for any run. Never backtracks further than the last such item.
fn runs<T>(
    pattern: &[T],
    items: &[T],
    any: impl Fn(&T) -> bool,
    one: impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut p, mut i) = (0, 0);
    let mut retry = None;
    while i < items.len() {
        match pattern.get(p) {
            Some(item) if any(item) => {
                retry = Some((p, i));
                p += 1;
            }
            Some(item) if one(item, &items[i]) => {
                (p, i) = (p + 1, i + 1);
            }
            _ => {
                let Some((star, start)) = retry else {
                    return false;
                };
                retry = Some((star, start + 1));
                (p, i) = (star + 1, start + 1);
            }
        }
    }
    pattern[p..].iter().all(any)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards() {
        assert!(matches("raw/*.json", "raw/a.json"));
        assert!(!matches("*.json", "raw/a.json"));
        assert!(matches("**/*.json", "raw/b/a.json"));
        assert!(matches("**/*.json", "a.json"));
        assert!(matches("INVALID-?*", "INVALID-x"));
        assert!(!matches("INVALID-?*", "INVALID-"));
        assert!(!matches(&"*a".repeat(30), &"a".repeat(20)));
    }
}
