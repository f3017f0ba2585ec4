use std::collections::HashSet;

use regex::bytes::{Regex, RegexBuilder};
use runward_lock::Name;

use crate::{Error, ErrorKind};

/// Names that have nothing to do with each other: whatever matches them all has been asked for nothing in particular.
const UNRELATED: [&str; 5] = ["a8", "q-7.x", "zebra.example.org", "0x1", "node-17"];

/// The names that may be swept at all. Of others nothing is reaped, no lock is tried and no lock file is made.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    names: HashSet<Name>,
    patterns: Vec<Regex>,
    texts: Vec<String>,
}

impl Allow {
    /// No name: nothing is ever swept.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// These names, letter by letter.
    pub fn names(names: impl IntoIterator<Item = Name>) -> Self {
        let names: Vec<Name> = names.into_iter().collect();
        Self {
            texts: names
                .iter()
                .map(|name| regex::escape(name.as_str()))
                .collect(),
            names: names.into_iter().collect(),
            patterns: Vec::new(),
        }
    }

    /// The names that one of these regular expressions matches as a whole. An empty list matches none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPattern`]; [`ErrorKind::TooBroad`] for a list that matches everything: see [`Allow::confirmed`].
    pub fn patterns<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let allow = Self::any_patterns(patterns)?;
        if allow.is_too_broad() {
            let message = format!(
                "the allow-list {:?} matches any name; narrow it to the names that runs use, or confirm it by giving it twice",
                allow.texts
            );
            return Err(Error::new(ErrorKind::TooBroad, message));
        }
        Ok(allow)
    }

    /// The same, however much they match, for those who say so twice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPattern`]; [`ErrorKind::TooBroad`] if the second list is not the first, word for word.
    pub fn confirmed<S: AsRef<str>>(
        patterns: impl IntoIterator<Item = S>,
        again: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let allow = Self::any_patterns(patterns)?;
        let again: Vec<S> = again.into_iter().collect();
        if !allow.texts.iter().eq(again.iter().map(AsRef::as_ref)) {
            let message = format!(
                "the allow-list {:?} is not confirmed, as it differs from its repetition; repeat it word for word",
                allow.texts
            );
            return Err(Error::new(ErrorKind::TooBroad, message));
        }
        Ok(allow)
    }

    fn any_patterns<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let texts: Vec<String> = patterns.into_iter().map(|p| p.as_ref().into()).collect();
        let patterns = texts
            .iter()
            .map(|text| whole(text))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            names: HashSet::new(),
            patterns,
            texts,
        })
    }

    /// Whether the name may be swept.
    pub fn matches(&self, name: &Name) -> bool {
        self.names.contains(name) || self.is_match(name.as_str())
    }

    fn is_match(&self, text: &str) -> bool {
        let mut patterns = self.patterns.iter();
        patterns.any(|pattern| pattern.is_match(text.as_bytes()))
    }

    fn is_too_broad(&self) -> bool {
        UNRELATED.iter().all(|name| self.is_match(name))
    }

    /// The patterns as they were given.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// A pattern that matches a whole name or not at all. By itself it is built first: it must not close the group that it is put into.
fn whole(text: &str) -> Result<Regex, Error> {
    let built = build(text).and_then(|_| build(&format!(r"\A(?:{text})\z")));
    built.map_err(|reason| invalid(text, &reason))
}

/// Names are ASCII, so `\d` and its like are.
fn build(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).unicode(false).build();
    built.map_err(|error| {
        // The lines before point into the pattern, which is shown in another way here.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim();
        last.trim_start_matches("error: ").to_owned()
    })
}

fn invalid(text: &str, reason: &str) -> Error {
    let message = format!("pattern {text:?} of the allow-list is no regular expression: {reason}");
    Error::new(ErrorKind::InvalidPattern, message)
}
