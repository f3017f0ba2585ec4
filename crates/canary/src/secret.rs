//! Credentials in text: which pattern it is, and never what was found.

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What the credential begins with. It has to begin a word and go on for sixteen characters: the shortest kind has as many.
const PREFIXES: [&str; 11] = [
    "github_pat_",
    "sk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "AIza",
    "sk-",
];

/// So deep is JSON looked for in the text of JSON: each time it is wrapped, its backslashes double.
const NESTED: usize = 8;

/// The text as a snapshot that is kept has it: with a digest in the place of each credential.
pub fn masked(text: &str) -> String {
    Secrets::new().mask(text).into_owned()
}

pub(crate) struct Secrets {
    any: Option<Regex>,
}

impl Secrets {
    pub(crate) fn new() -> Self {
        let pattern = format!("(?:{})[A-Za-z0-9_-]{{16}}", PREFIXES.join("|"));
        Self {
            any: Regex::new(&pattern).ok(),
        }
    }

    /// The name of the first pattern that the text matches. In JSON, what an image consists of is left out: it is random text.
    pub(crate) fn find(&self, text: &str) -> Option<&'static str> {
        self.told(text, NESTED)
    }

    fn told(&self, text: &str, depth: usize) -> Option<&'static str> {
        let raw = self.scan(text);
        // Of all that JSON writes in another way, this alone can hide a letter; what stands before a word is undone where a word begins.
        if depth == 0 || raw.is_none() && !text.contains("\\u") {
            return raw;
        }
        match serde_json::from_str(text) {
            // Of a member that is there twice, only the last is in the value.
            Ok(json) => self
                .within(&json, depth - 1)
                .or_else(|| raw.filter(|_| self.scan(&json.to_string()).is_none())),
            Err(_) => raw,
        }
    }

    fn within(&self, json: &Value, depth: usize) -> Option<&'static str> {
        match json {
            Value::String(text) => self.told(text, depth),
            Value::Array(items) => items.iter().find_map(|item| self.within(item, depth)),
            Value::Object(members) => members.iter().find_map(|(key, value)| {
                let image = key == "data" && is_image(members) && is_base64(value);
                let inside = || {
                    if image {
                        None
                    } else {
                        self.within(value, depth)
                    }
                };
                self.told(key, depth).or_else(inside)
            }),
            _ => None,
        }
    }

    /// The text with a digest in the place of each credential. The same pattern is found in it, what was equal is equal, and JSON is JSON.
    pub(crate) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.masked(text, NESTED)
    }

    fn masked<'t>(&self, text: &'t str, depth: usize) -> Cow<'t, str> {
        let masked = self.replaced(text);
        if depth == 0 || !masked.contains("\\u") {
            return masked;
        }
        // A credential in escapes stands in the value alone.
        let Ok(mut json) = serde_json::from_str::<Value>(&masked) else {
            return masked;
        };
        match self.mask_within(&mut json, depth - 1) {
            true => Cow::Owned(json.to_string()),
            false => masked,
        }
    }

    /// Whether anything was masked.
    fn mask_within(&self, json: &mut Value, depth: usize) -> bool {
        match json {
            Value::String(text) => {
                let masked = self.masked(text, depth).into_owned();
                let other = masked != *text;
                *text = masked;
                other
            }
            Value::Array(items) => items
                .iter_mut()
                .fold(false, |any, item| self.mask_within(item, depth) | any),
            Value::Object(members) => {
                let mut any = false;
                for (key, mut value) in std::mem::take(members) {
                    any |= self.mask_within(&mut value, depth);
                    let masked = self.masked(&key, depth).into_owned();
                    any |= masked != key;
                    members.insert(masked, value);
                }
                any
            }
            _ => false,
        }
    }

    fn replaced<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = String::new();
        let mut done = 0;
        while let Some((found, _)) = self.next(text, done) {
            masked.push_str(&text[done..found.start]);
            masked.push_str(&replacement(&text[found.clone()]));
            done = found.end;
        }
        match done {
            0 => Cow::Borrowed(text),
            _ => Cow::Owned(masked + &text[done..]),
        }
    }

    fn scan(&self, text: &str) -> Option<&'static str> {
        self.next(text, 0).map(|(_, prefix)| prefix)
    }

    /// Where the next credential stands, and what it begins with.
    fn next(&self, text: &str, mut from: usize) -> Option<(Range<usize>, &'static str)> {
        let any = self.any.as_ref()?;
        while let Some(found) = any.find_at(text, from) {
            if begins_a_word(&text.as_bytes()[..found.start()]) {
                let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
                let rest = text.as_bytes()[found.end()..].iter();
                let end = found.end() + rest.take_while(|byte| goes_on(byte)).count();
                let prefix = PREFIXES
                    .into_iter()
                    .find(|prefix| found.as_str().starts_with(prefix))?;
                return Some((found.start()..end, prefix));
            }
            from = found.start() + 1;
        }
        None
    }
}

/// Whether a word may begin after this text: not after a letter or a digit, but after what JSON and addresses write with some at its end.
fn begins_a_word(before: &[u8]) -> bool {
    let written = match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => Some(' '),
        [.., b'%', a, b] => character(&[*a, *b]),
        [.., b'\\', b'u', a, b, c, d] => character(&[*a, *b, *c, *d]),
        _ => None,
    };
    let last = written.or(before.last().map(|last| char::from(*last)));
    last.is_none_or(|last| !last.is_ascii_alphanumeric())
}

/// What is written by these digits.
fn character(hex: &[u8]) -> Option<char> {
    hex.iter().try_fold('\0', |code, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        // Half of a pair is no character, and no letter either.
        Some(char::from_u32(u32::from(code) * 16 + digit).unwrap_or(' '))
    })
}

/// Letters and digits alone, so that base64 stays base64.
const MASK: &str = "masked";

/// What stands for a credential: its prefix and its digest; what stands for one already stays.
fn replacement(found: &str) -> String {
    let prefix = PREFIXES
        .into_iter()
        .find(|prefix| found.starts_with(prefix));
    let (prefix, rest) = found.split_at(prefix.map_or(0, str::len));
    let hex = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if rest.strip_prefix(MASK).is_some_and(hex) {
        return found.to_owned();
    }
    let digest = Sha256::digest(found);
    let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    format!("{prefix}{MASK}{}", digest.collect::<String>())
}

/// A member beside the data says what it is.
fn is_image(members: &serde_json::Map<String, Value>) -> bool {
    let says = |text: &str| text == "base64" || text.starts_with("image/");
    members
        .values()
        .any(|value| value.as_str().is_some_and(says))
}

fn is_base64(value: &Value) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n');
    value.as_str().is_some_and(|text| text.bytes().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_is_found_by_its_name_and_only_at_the_beginning_of_a_word() {
        let secrets = Secrets::new();
        for prefix in PREFIXES {
            let token = format!("{prefix}0123456789abcdef");
            assert_eq!(secrets.find(&format!("use {token} now")), Some(prefix));
            for before in ["x", "7", "%41", "\\u0041", "\\x"] {
                assert_eq!(secrets.find(&format!("{before}{token}")), None, "{before}");
            }
            let short = &token[..token.len() - 1];
            assert_eq!(secrets.find(short), None, "{short}");
        }
        assert_eq!(
            secrets.find(r#"{"k":"\u0073k-0123456789abcdef"}"#),
            Some("sk-")
        );
    }

    const TOKEN: &str = "sk-0123456789abcdef";

    #[test]
    fn whatever_a_word_begins_after_in_text_in_json_and_in_json_of_json() {
        let secrets = Secrets::new();
        for before in [
            "",
            " ",
            "\n",
            "\t",
            "\r",
            "\u{8}",
            "\u{c}",
            "\u{1}",
            "\"",
            "\\",
            "/",
            "\u{e9}",
            "\u{1f511}",
            "=",
            "-",
            "_",
            "key_",
            "%20",
            "%2F",
            "%0a",
            "x%5f",
        ] {
            let mut text = format!("use{before}{TOKEN}");
            if before.is_empty() {
                text = TOKEN.to_owned();
            }
            for depth in 0..NESTED {
                assert_eq!(secrets.find(&text), Some("sk-"), "{before:?} {depth}");
                let masked = secrets.mask(&text);
                assert!(!masked.contains("0123456789"), "{masked}");
                assert_eq!(secrets.find(&masked), Some("sk-"), "{masked}");
                text = serde_json::json!({ "prompt": text }).to_string();
            }
        }
        assert_eq!(secrets.find(&format!(r"no json: x\n{TOKEN}")), Some("sk-"));
    }

    #[test]
    fn letters_in_escapes_are_read_as_deep_as_anybody_nests() {
        let secrets = Secrets::new();
        let mut text = r#"{"k":"\u0073k-0123456789abcdef"}"#.to_owned();
        for depth in 1..=NESTED {
            assert_eq!(secrets.find(&text), Some("sk-"), "{depth}");
            let masked = secrets.mask(&text);
            assert!(!masked.contains("0123456789"), "{masked}");
            assert_eq!(secrets.find(&masked), Some("sk-"), "{masked}");
            text = serde_json::json!([text]).to_string();
        }
        assert_eq!(secrets.find(&text), None, "deeper than anybody looks");
    }

    #[test]
    fn an_image_in_json_of_json_is_left_out_and_its_twin_is_not() {
        let secrets = Secrets::new();
        let image = |kind| format!(r#"{{"type":"{kind}","data":"/AKIAIOSFODNN7EXAMPLEAAAA"}}"#);
        for (kind, found) in [("base64", None), ("text", Some("AKIA"))] {
            let text = serde_json::json!({ "body": image(kind) }).to_string();
            assert_eq!(secrets.find(&text), found, "{kind}");
        }
    }

    #[test]
    fn hostile_text_takes_no_longer() {
        let secrets = Secrets::new();
        let near = "xsk-".repeat(250_000);
        let begun = std::time::Instant::now();
        assert_eq!(secrets.find(&near), None);
        assert_eq!(secrets.mask(&near), near);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn what_an_image_consists_of_is_left_out_and_nothing_else() {
        let secrets = Secrets::new();
        let data = "AIzaAAAAAAAAAAAAAAAAAAAA";
        let image = format!(r#"{{"images":[{{"media_type":"image/png","data":"{data}"}}]}}"#);
        assert_eq!(secrets.find(&image), None);
        let other = format!(r#"{{"images":[{{"media_type":"text/plain","data":"{data}"}}]}}"#);
        assert_eq!(
            secrets.find(&other),
            Some("AIza"),
            "the twin without an image"
        );
        let beside = format!(r#"{{"media_type":"image/png","name":"{data}"}}"#);
        assert_eq!(
            secrets.find(&beside),
            Some("AIza"),
            "the twin beside the data"
        );
        let twice = r#"{"key":"sk-0123456789abcdef","key":""}"#;
        assert_eq!(secrets.find(twice), Some("sk-"), "the first of two");
        let no_base64 = r#"{"type":"base64","data":"sk-0123456789abcdef"}"#;
        assert_eq!(
            secrets.find(no_base64),
            Some("sk-"),
            "the twin that is no base64"
        );
    }

    #[test]
    fn what_is_masked_is_found_by_the_same_name_and_says_nothing() {
        let secrets = Secrets::new();
        let tail = "0123456789abcdefGHIJ";
        let mut texts = vec![
            format!(r#"{{"k":"\u0073k-{tail}","n":"\u00e9"}}"#),
            format!(r#"{{"type":"base64","data":"AIza{tail}"}}"#),
            format!("AKIA{tail} and sk-{tail}"),
        ];
        texts.extend(PREFIXES.map(|prefix| format!(r#"{{"token":"{prefix}{tail}"}}"#)));
        for text in texts {
            let masked = secrets.mask(&text);
            assert!(!masked.contains("9abcdefG"), "{masked}");
            assert_eq!(secrets.find(&masked), secrets.find(&text), "{masked}");
            assert_eq!(secrets.mask(&masked), masked, "it is masked already");
        }
        for plain in ["sk-short", r#"{"n":"\u00e9"}"#, ""] {
            assert_eq!(secrets.mask(plain), plain);
        }
        let other = format!("sk-{tail}K");
        assert_ne!(
            secrets.mask(&other),
            secrets.mask(&other[..other.len() - 1])
        );
    }
}
