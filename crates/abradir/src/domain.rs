use std::fmt;

use crate::{Error, ErrorKind};

/// The name of an app: a host name in small letters, of which the name of its stack can be told, and which can be told from that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// Checks a text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidName`] if it is no host name in small letters. With an underscore in it, two apps would be one stack.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(Error::new(
                ErrorKind::InvalidName,
                format!("domain {text:?} {why}"),
            )),
        }
    }

    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its stack: dots become underscores, hyphens stay.
    pub fn stack(&self) -> String {
        self.0.replace('.', "_")
    }
}

fn problem(text: &str) -> Option<&'static str> {
    if text.contains('_') {
        return Some("has an underscore in it: `a_b` and `a.b` would be one stack; use a hyphen");
    }
    if text.len() > 253 {
        return Some("is longer than the 253 bytes of a host name");
    }
    text.split('.').find_map(problem_of_label)
}

fn problem_of_label(label: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if label.is_empty() {
        Some("has an empty part; put something between its dots")
    } else if label.len() > 63 {
        Some("has a part that is longer than 63 bytes; shorten it")
    } else if !label.chars().all(plain) {
        Some("has something else in it than small letters, digits, hyphens and dots")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("has a part that begins or ends with a hyphen")
    } else {
        None
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::Domain;

    #[test]
    fn what_is_no_host_name_is_refused() {
        let long = format!("{}.org", "a".repeat(64));
        for text in [
            "", ".", "a..b", "a_b", "A.org", "-a.org", "a-.org", "a b", "a\n", "../a", &long,
        ] {
            assert!(Domain::parse(text).is_err(), "{text:?}");
        }
        let domain = Domain::parse("immi-a1b2c3.ci.example.org").unwrap();
        assert_eq!(domain.stack(), "immi-a1b2c3_ci_example_org");
    }

    proptest! {
        #[test]
        fn two_domains_are_two_stacks(texts in proptest::collection::vec("[ab._-]{1,6}", 1..200)) {
            let mut seen = HashMap::new();
            for domain in texts.iter().filter_map(|text| Domain::parse(text).ok()) {
                let other = seen.insert(domain.stack(), domain.clone());
                prop_assert!(other.is_none_or(|other| other == domain));
            }
        }
    }
}
