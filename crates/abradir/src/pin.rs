use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Shown;
use crate::owner::quoted;
use crate::text::{self, Links};
use crate::variables;
use crate::{Error, ErrorKind};

/// The value of one key in a file of settings, kept to be compared and put back.
///
/// A tool that writes the version it has deployed into the settings of the app, and takes the version from there the next time, has
/// one run decide what another one deploys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pin {
    path: PathBuf,
    key: String,
    /// The lines that set the key, as they were. The last one counts.
    lines: Vec<String>,
}

/// What has become of a [`Pin`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drift {
    /// Nothing.
    Unchanged,
    /// It has another value, or none.
    Changed {
        /// The value that was kept.
        from: Option<String>,
        /// The value that was found.
        to: Option<String>,
    },
    /// The file is gone.
    Gone,
}

impl Pin {
    /// Keeps the value of a key.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn take(path: impl Into<PathBuf>, key: impl Into<String>) -> Result<Self, Error> {
        let (path, key) = (path.into(), key.into());
        let text = read(&path)?;
        let lines = setting(&text, &key).map(str::to_owned).collect();
        Ok(Self { path, key, lines })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value that was kept, if the key was set.
    pub fn value(&self) -> Option<String> {
        value(self.lines.iter().map(String::as_str))
    }

    /// Compares without changing anything.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn check(&self) -> Result<Drift, Error> {
        match read(&self.path) {
            Ok(text) => Ok(self.drift(&text)),
            Err(e) if e.kind() == ErrorKind::Missing => Ok(Drift::Gone),
            Err(e) => Err(e),
        }
    }

    /// Puts back the lines that set the key and nothing else, in one rename; answers what it found. A file that is gone stays so.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or replaced. It is then as it was.
    pub fn restore(&self) -> Result<Drift, Error> {
        let drift = self.check()?;
        if let Drift::Changed { .. } = drift {
            let text = self.restored(&read(&self.path)?);
            replace(&self.path, &text)?;
        }
        Ok(drift)
    }

    /// The same of the same file under another path.
    pub(crate) fn moved_to(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    fn drift(&self, text: &str) -> Drift {
        let found: Vec<&str> = setting(text, &self.key).collect();
        if found == self.lines {
            return Drift::Unchanged;
        }
        Drift::Changed {
            from: self.value(),
            to: value(found.into_iter()),
        }
    }

    /// The kept lines take the places of those that are there; what is too many goes, and what is missing comes first.
    fn restored(&self, text: &str) -> String {
        let places = setting(text, &self.key).count();
        let (before, mut rest) = self.lines.split_at(self.lines.len().saturating_sub(places));
        let mut out: Vec<&str> = before.iter().map(String::as_str).collect();
        for line in text.lines() {
            if !sets(line, &self.key) {
                out.push(line);
            } else if let Some((first, others)) = rest.split_first() {
                out.push(first);
                rest = others;
            }
        }
        out.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

fn setting<'t>(text: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    text.lines().filter(move |line| sets(line, key))
}

fn sets(line: &str, key: &str) -> bool {
    variables::assignment(line).is_some_and(|(name, _)| name == key)
}

fn value<'t>(lines: impl Iterator<Item = &'t str>) -> Option<String> {
    lines
        .last()
        .and_then(variables::assignment)
        .map(|(_, value)| variables::unquoted(value).0.to_owned())
}

fn read(path: &Path) -> Result<String, Error> {
    text::read(path, Links::Refuse).map_err(|e| Error::io("cannot read the settings", path, e))
}

fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |e| Error::io("cannot put back the pin in", path, e);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = path.with_file_name(name);
    let mode = fs::symlink_metadata(path)
        .map_err(failed)?
        .permissions()
        .mode()
        & 0o777;
    let written = write(&fresh, text, mode).and_then(|()| fs::rename(&fresh, path));
    written.map_err(|e| {
        let _ = fs::remove_file(&fresh);
        failed(e)
    })
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    // Left by a process of that id that was killed here.
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

pub(crate) fn to_text(pin: &Pin) -> String {
    let lines: Vec<String> = pin.lines.iter().map(|line| quoted(line)).collect();
    format!(
        "path = {}\nkey = {}\nlines = [{}]\n",
        quoted(&pin.path.to_string_lossy()),
        quoted(&pin.key),
        lines.join(", ")
    )
}

pub(crate) fn load(path: &Path) -> Result<Option<Pin>, Error> {
    let text = match text::read(path, Links::Refuse) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("cannot read the pin", path, e)),
    };
    toml::from_str(&text).map(Some).map_err(|e| {
        let message = format!(
            "the pin {} is damaged: {}; look at the settings yourself",
            Shown(path),
            e.message()
        );
        Error::new(ErrorKind::Io, message)
    })
}
