//! `runward.toml`.
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Deserialize;

use super::nearest::nearest;
use super::options::{Options, Places, option_names};
use super::state::StateOptions;
use super::sweep::SweepOptions;
use crate::error::{Error, Result};

const DEFAULT: &str = "runward.toml";
const LARGEST: u64 = 1 << 20;

/// What a configuration file may hold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ConfigFile {
    lock_dir: Option<PathBuf>,
    home: Option<PathBuf>,
    run: Options,
    state: StateOptions,
    sweep: SweepOptions,
}

impl ConfigFile {
    /// The file as the lowest layer.
    pub(crate) fn into_layer(self) -> Options {
        let places = self.places();
        Options { places, ..self.run }
    }

    /// What state directories are made of.
    pub(crate) fn state(&self) -> StateOptions {
        self.state.clone()
    }

    /// What may be swept.
    pub(crate) fn sweep(&self) -> SweepOptions {
        self.sweep.clone()
    }

    pub(crate) fn places(&self) -> Places {
        Places {
            lock_dir: self.lock_dir.clone(),
            home: self.home.clone(),
        }
    }
}

/// Reads the named file, or `runward.toml` of the current directory where there is one.
pub(crate) fn load(named: Option<&Path>) -> Result<ConfigFile> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    match read(path) {
        Ok(text) => parse(&text, path),
        Err(e) if named.is_none() && e.kind() == io::ErrorKind::NotFound => {
            Ok(ConfigFile::default())
        }
        Err(e) => Err(Error::config(format!(
            "cannot read {}: {e}; make it a readable file, or name another with --config",
            path.display()
        ))),
    }
}

fn read(path: &Path) -> io::Result<String> {
    // A fifo would hold the run until somebody writes to it.
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        Err(io::Error::other("larger than 1 MiB"))
    } else {
        Ok(text)
    }
}

fn parse(text: &str, path: &Path) -> Result<ConfigFile> {
    toml::from_str(text).map_err(|e| {
        let span = e.span().unwrap_or(0..0);
        let (line, column) = position(text, span.start);
        let problem = explain(e.message(), text, &span);
        Error::config(format!("{}:{line}:{column}: {problem}", path.display()))
    })
}

fn explain(message: &str, text: &str, span: &Range<usize>) -> String {
    let near = text.get(span.clone()).unwrap_or_default().trim();
    if message.starts_with("unknown field") {
        return unknown_key(near, &section_at(text, span.start));
    }
    if let Some(section) = message
        .contains("expected struct")
        .then(|| key_at(text, span.start))
    {
        return format!(
            "{section:?} is a section here, written [{section}]; as an option it belongs in the section [run]"
        );
    }
    match near {
        "" => message.to_owned(),
        value => format!("{}: {message}", value.lines().next().unwrap_or(value)),
    }
}

/// What may stand in each section; above them all in the first.
fn sections() -> [(&'static str, Vec<String>); 4] {
    let outside = ["lock-dir", "home", "run", "state", "sweep"]
        .map(str::to_owned)
        .to_vec();
    let run = option_names()
        .into_iter()
        .filter(|name| !outside[..2].contains(name));
    let run = run.collect();
    [
        ("", outside),
        ("run", run),
        ("state", StateOptions::names()),
        ("sweep", SweepOptions::names()),
    ]
}

fn unknown_key(key: &str, section: &str) -> String {
    let key = key.trim_matches(['"', '\'', '[', ']']);
    let sections = sections();
    let has_key = |(_, keys): &&(&str, Vec<String>)| keys.iter().any(|name| name == key);
    // What is a section above them all may be an option below.
    if let Some((place, _)) = sections.iter().rev().find(has_key) {
        return match *place {
            "" => format!("{key:?} belongs above the sections"),
            place => format!("{key:?} belongs in the section [{place}]"),
        };
    }
    let here = sections.iter().find(|(name, _)| *name == section);
    let here = here.map_or(&sections[0].1, |(_, keys)| keys);
    match nearest(key, here.iter().map(String::as_str)) {
        Some(meant) => format!("{key:?} is not known here; did you mean {meant:?}?"),
        None => format!("{key:?} is not known here; known are {}", here.join(", ")),
    }
}

/// The key of the line that a position lies in.
fn key_at(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    line.split('=').next().unwrap_or_default().trim().to_owned()
}

/// The section that a position lies in; a key before any header is in none.
fn section_at(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let complete = &before[..before.rfind('\n').map_or(0, |end| end + 1)];
    let header = complete
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['));
    header
        .and_then(|line| line[1..].split(']').next())
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
