//! Text that a pull request can write, made fit for a file name.

const LONGEST: usize = 36;
/// What a lock record has room for.
pub(crate) const LONGEST_NAME: usize = 96;

/// `text` with only letters, digits, `.`, `_` and `-`, never hidden, never empty, at most 36 bytes.
pub(crate) fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        let c = if is_safe(c) { c } else { '-' };
        let doubled = c == '-' && out.ends_with('-');
        let hidden = out.is_empty() && matches!(c, '.' | '-');
        if !doubled && !hidden {
            out.push(c);
        }
        if out.len() == LONGEST {
            break;
        }
    }
    out.truncate(out.trim_end_matches(['-', '.']).len());
    if out.is_empty() {
        "unnamed".to_owned()
    } else {
        out
    }
}

/// A readable name for `parts`; the hash keeps apart what the slug makes equal.
pub(crate) fn slug_of_parts(parts: &[&str]) -> String {
    format!("{}-{:016x}", slug(&parts.join("-")), fnv1a(parts))
}

/// Whether `text` may stand in a file name as it is.
pub(crate) fn is_safe_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_NAME
        && !text.starts_with(['.', '-'])
        && text.chars().all(is_safe)
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// FNV-1a over the parts, each ended by a byte that no part can hold.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_become_plain() {
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("a\nb\0c"), "a-b-c");
        assert_eq!(slug("..."), "unnamed");
        assert_eq!(slug(""), "unnamed");
        assert_eq!(slug(&"x".repeat(300)).len(), 36);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(slug_of_parts(&["a-b", "c"]), slug_of_parts(&["a", "b-c"]));
        assert_ne!(slug_of_parts(&["a/b"]), slug_of_parts(&["a-b"]));
        assert_ne!(slug_of_parts(&["ab", ""]), slug_of_parts(&["ab"]));
    }

    proptest! {
        #[test]
        fn every_slug_is_one_safe_component(text in any::<String>()) {
            let name = slug(&text);
            prop_assert!(is_safe_name(&name), "{name:?}");
            prop_assert!(!name.contains('/') && name != "." && name != "..");
            prop_assert_eq!(slug(&name), name.clone(), "a slug is its own slug");
        }

        #[test]
        fn a_name_with_its_hash_fits_a_file_name(parts in proptest::collection::vec(any::<String>(), 1..5)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let name = slug_of_parts(&parts);
            prop_assert!(is_safe_name(&name) && name.len() <= 53, "{name:?}");
        }
    }
}
