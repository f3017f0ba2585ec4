use proptest::prelude::*;
use runward_lock::{ErrorKind, Name};

#[test]
fn hostile_names_are_refused_with_a_reason() {
    let long = "x".repeat(300);
    let hostile = [
        ("", "empty"),
        (".", "dots"),
        ("..", "dots"),
        ("...", "dots"),
        (".epoch", "begins with a dot"),
        ("a/b", "slash"),
        ("../a", "begins with a dot"),
        ("a\0b", "NUL"),
        ("a\nb", "control"),
        ("a\x7f", "control"),
        ("naïve", "ASCII"),
        ("-rf", "begin with"),
        ("a b", "character other"),
        ("a~0123456789abcdef", "character other"),
        (long.as_str(), "longer"),
    ];
    for (text, reason) in hostile {
        let error = Name::new(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        assert!(error.to_string().contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn slugs() {
    assert_eq!(Name::slug("shop.example.org").as_str(), "shop.example.org");
    let slug = Name::slug("../../etc/passwd");
    assert!(slug.as_str().starts_with("etc-passwd~"), "{slug}");
    assert!(Name::slug("...").as_str().starts_with("_~"));
    assert_ne!(Name::slug("a/b"), Name::slug("a-b"));
    assert_ne!(
        Name::slug("a/b"),
        Name::slug(Name::slug("a/b").as_str()),
        "nobody can name another's slug"
    );
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_a_harmless_file_name(text in any::<String>()) {
        if let Ok(name) = Name::new(&text) {
            prop_assert_eq!(name.as_str(), &text);
        }
        let slug = Name::slug(&text);
        prop_assert!(slug.as_str().len() <= 200);
        prop_assert!(!slug.as_str().starts_with(['.', '-', '@', '+']));
        prop_assert!(slug.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@+~".contains(&b)));
    }

    #[test]
    fn different_texts_have_different_slugs(a in "[ab/.~ -]{0,6}", b in "[ab/.~ -]{0,6}") {
        prop_assert_eq!(a == b, Name::slug(&a) == Name::slug(&b));
    }
}
