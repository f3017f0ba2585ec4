use std::borrow::Borrow;
use std::path::{Component, Path, PathBuf};

/// A path below some directory: plain names only, no way out, nothing that a terminal would obey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Relative(PathBuf);

impl Relative {
    /// The path, or what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if text.chars().any(char::is_control) {
            return Err("has a control character in it");
        }
        if text.starts_with('/') {
            return Err("is absolute");
        }
        if text.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err("has an empty name, `.` or `..` in it");
        }
        Ok(Self(PathBuf::from(text)))
    }

    /// A path of one name.
    pub(crate) fn name(text: &str) -> Result<Self, &'static str> {
        match Self::parse(text)? {
            path if path.names().count() == 1 => Ok(path),
            _ => Err("has a slash in it"),
        }
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Path> {
        self.0.components().map(|component| match component {
            Component::Normal(name) => Path::new(name),
            other => Path::new(other.as_os_str()),
        })
    }

    /// The path and all that lie above it, nearest first.
    pub(crate) fn and_above(&self) -> impl Iterator<Item = &Path> {
        self.0.ancestors().filter(|path| *path != Path::new(""))
    }
}

/// Sorted and looked up as the path that it is.
impl Borrow<Path> for Relative {
    fn borrow(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Relative;

    #[test]
    fn hostile_texts_are_no_paths() {
        let hostile = [
            "",
            "/",
            "/etc",
            "..",
            "a/..",
            "a/../b",
            ".",
            "./a",
            "a/.",
            "a//b",
            "a/",
            "a\nb",
            "a\0b",
            "\u{1b}[2J",
        ];
        for text in hostile {
            assert!(Relative::parse(text).is_err(), "{text:?}");
        }
        assert!(Relative::name("a/b").is_err());
        assert!(Relative::parse("a/.b/..c").is_ok());
    }
}
