use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Stamp;

/// What was seen, by name.
pub type Facts = BTreeMap<String, Fact>;

/// One thing that was seen. There is none that could hold a secret by accident: text comes in as an identifier, bounded and clean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fact {
    /// A count.
    Int(i64),
    /// A length of time, in whole seconds, rounded down.
    Secs(i64),
    /// An instant.
    Stamp(Stamp),
    /// A name out of the system under watch.
    Id(String),
    /// Some of them, and how many there are in all.
    Ids {
        /// At most ten, in order.
        some: Vec<String>,
        /// How many there are.
        all: u64,
    },
    /// Nothing was stored there.
    None,
}

const ID: usize = 160;
const SHOWN: usize = 10;

impl Fact {
    /// A name out of the system under watch: at most 160 characters, no control characters.
    pub fn id(text: impl AsRef<str>) -> Self {
        Self::Id(bounded(text.as_ref(), ID))
    }

    /// Names, of which ten are kept.
    pub fn ids<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = names.into_iter();
        let some: Vec<_> = names
            .by_ref()
            .take(SHOWN)
            .map(|name| bounded(name, ID))
            .collect();
        let all = (some.len() + names.count()) as u64;
        Self::Ids { some, all }
    }
}

/// The text, cut to so many characters, with what is no plain text (controls, marks that turn the direction of text, invisible joiners) made visible.
pub fn bounded(text: &str, most: usize) -> String {
    let mut kept = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            kept.push('…');
            break;
        }
        match c {
            c if hidden(c) => kept.extend(c.escape_unicode()),
            c => kept.push(c),
        }
    }
    kept
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_cleaned() {
        assert_eq!(bounded("a\nb\u{202e}c", 10), "a\\u{a}b\\u{202e}c");
        assert_eq!(bounded("ääää", 3), "äää…");
        assert_eq!(bounded(&"x".repeat(1_000_000), 160).chars().count(), 161);
    }
}
