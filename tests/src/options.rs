//! The options of the fixtures: `--name value` pairs, flags, and a command after `--`.

use std::env;
use std::ffi::OsString;
use std::str::FromStr;

/// The parsed command line of a fixture.
#[derive(Debug)]
pub struct Options {
    words: Vec<String>,
    command: Vec<OsString>,
}

impl Options {
    /// The options of this process.
    pub fn of_process() -> Self {
        let mut words: Vec<OsString> = env::args_os().skip(1).collect();
        let split = words.iter().position(|word| word == "--");
        let command = split
            .map(|at| words.split_off(at).split_off(1))
            .unwrap_or_default();
        let words = words
            .into_iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        Self { words, command }
    }

    /// Whether a flag is there.
    pub fn flag(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }

    /// The value of an option.
    pub fn text(&self, name: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == name)?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// The value of an option that is no mere text.
    pub fn value<V: FromStr>(&self, name: &str) -> Option<V> {
        let text = self.text(name)?;
        Some(
            text.parse()
                .unwrap_or_else(|_| panic!("{name} cannot be {text:?}")),
        )
    }

    /// The command after `--`.
    pub fn command(&self) -> &[OsString] {
        &self.command
    }
}
