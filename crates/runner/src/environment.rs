//! The environment as a value, so that everything that reads it can be tested as a function.
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Bound;

/// A copy of the environment. A variable that is empty counts as not set: CI files often set them so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    pub(crate) fn of_this_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    pub(crate) fn os(&self, name: &str) -> Option<&OsStr> {
        self.0
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The value as text; bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.os(name)
            .map(|value| value.to_string_lossy().into_owned())
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.os(name) == Some(OsStr::new(value))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.os(name).is_some()
    }

    /// Names that start with `prefix`.
    pub(crate) fn names_from<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .range::<OsStr, _>((Bound::Included(OsStr::new(prefix)), Bound::Unbounded))
            .map_while(move |(name, _)| name.to_str().filter(|name| name.starts_with(prefix)))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
