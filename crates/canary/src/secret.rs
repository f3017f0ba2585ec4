//! Credentials in text: which pattern it is, and never what was found.

use std::borrow::Cow;

use regex::{Captures, Regex};
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

pub(crate) struct Secrets {
    any: Option<Regex>,
}

impl Secrets {
    pub(crate) fn new() -> Self {
        let pattern = format!(r"(?-u:\b)(?:{})[A-Za-z0-9_-]{{16,}}", PREFIXES.join("|"));
        Self {
            any: Regex::new(&pattern).ok(),
        }
    }

    /// The name of the first pattern that the text matches. In JSON, what an image consists of is left out: it is random text.
    pub(crate) fn find(&self, text: &str) -> Option<&'static str> {
        let raw = self.scan(text);
        if raw.is_none() && !text.contains("\\u") {
            return None;
        }
        match serde_json::from_str(text) {
            // Of a member that is there twice, only the last is in the value.
            Ok(json) => self
                .within(&json)
                .or_else(|| raw.filter(|_| self.scan(&json.to_string()).is_none())),
            Err(_) => raw,
        }
    }

    /// The text with a digest in the place of each credential. The same pattern is found in it, what was equal is equal, and JSON is JSON.
    pub(crate) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let masked = self.replaced(text);
        if !masked.contains("\\u") {
            return masked;
        }
        // A credential in escapes stands in the value alone.
        let Ok(json) = serde_json::from_str::<Value>(&masked) else {
            return masked;
        };
        let plain = json.to_string();
        match self.replaced(&plain) {
            Cow::Owned(other) if other != plain => Cow::Owned(other),
            _ => masked,
        }
    }

    fn replaced<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.any {
            Some(any) => any.replace_all(text, |found: &Captures<'_>| replacement(&found[0])),
            None => Cow::Borrowed(text),
        }
    }

    fn scan(&self, text: &str) -> Option<&'static str> {
        let found = self.any.as_ref()?.find(text)?.as_str();
        PREFIXES
            .into_iter()
            .find(|prefix| found.starts_with(prefix))
    }

    fn within(&self, json: &Value) -> Option<&'static str> {
        match json {
            Value::String(text) => self.scan(text),
            Value::Array(items) => items.iter().find_map(|item| self.within(item)),
            Value::Object(members) => members.iter().find_map(|(key, value)| {
                let image = key == "data" && is_image(members) && is_base64(value);
                let inside = || if image { None } else { self.within(value) };
                self.scan(key).or_else(inside)
            }),
            _ => None,
        }
    }
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
            assert_eq!(secrets.find(&format!("x{token}")), None);
            let short = &token[..token.len() - 1];
            assert_eq!(secrets.find(short), None, "{short}");
        }
        assert_eq!(
            secrets.find(r#"{"k":"\u0073k-0123456789abcdef"}"#),
            Some("sk-")
        );
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
