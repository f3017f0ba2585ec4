use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::nearest::suggestion;
use crate::relative::Relative;
use crate::text::{self, Links};
use crate::{Error, ErrorKind};

mod file;
mod position;
#[cfg(test)]
mod tests;

/// What a run gets of one path of the canonical directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// An empty directory of its own, into which things can be staged.
    Own,
    /// A symbolic link to the canonical one: what the run writes there, all see.
    Link,
    /// A copy as it was when the state directory was built.
    Copy,
    /// Nothing. The tool may make it.
    Absent,
}

/// Which state a tool keeps and where, and what a run gets of it: plain data, from a file.
///
/// [`Layout::abra`] is the one that is shipped. A file has the same form:
///
/// ```
/// # use std::path::Path;
/// use runward_abradir::Layout;
/// let text = r#"
///     format = 1
///     tool = "docker"
///     source = "~/.docker"
///     [variables]
///     DOCKER_CONFIG = "."
///     [paths]
///     "config.json" = "copy"
///     cli-plugins = "link"
/// "#;
/// let layout = Layout::parse(text, Path::new("docker.toml"))?;
/// assert_eq!(layout.tool(), "docker");
/// # Ok::<(), runward_abradir::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(crate) tool: String,
    pub(crate) tool_version: Option<String>,
    pub(crate) source: Option<String>,
    /// Variables of the environment; none is the directory itself.
    pub(crate) variables: BTreeMap<String, Option<Relative>>,
    pub(crate) paths: BTreeMap<Relative, Share>,
    pub(crate) app: Option<AppFile>,
    pub(crate) flags: BTreeMap<String, Vec<String>>,
}

/// Where the tool keeps the settings of one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppFile {
    /// A path with `{server}` and `{domain}` in it.
    pub(crate) template: String,
    /// The key whose value the tool rewrites.
    pub(crate) pin: Option<String>,
}

impl Layout {
    /// The state of `abra`: a private `servers`, recipes of its own, the catalogue as a snapshot.
    ///
    /// # Panics
    ///
    /// Never: the layout is part of this crate, and its tests read it.
    pub fn abra() -> Self {
        let text = include_str!("../layouts/abra.toml");
        Self::parse(text, Path::new("abra.toml")).expect("the layout of this crate is valid")
    }

    /// Reads a layout out of a file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidLayout`], with the line and the column; or why the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = text::read(path, Links::Follow);
        Self::parse(
            &text.map_err(|e| Error::io("cannot read the layout", path, e))?,
            path,
        )
    }

    /// Reads a layout out of a text that came from `origin`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidLayout`], with the line and the column.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, Error> {
        file::parse(text, origin)
    }

    /// The tool whose state it describes.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The variable that leads to the directory itself, in which its user may have named another than the default.
    pub fn main_variable(&self) -> Option<&str> {
        let mut variables = self.variables.iter();
        variables.find_map(|(name, path)| path.is_none().then_some(name.as_str()))
    }

    /// Whether it says where the settings of an app lie, so that a run can be given one.
    pub fn has_apps(&self) -> bool {
        self.app.is_some()
    }

    /// The version of the tool that it was written for.
    pub fn tool_version(&self) -> Option<&str> {
        self.tool_version.as_deref()
    }

    /// Where the canonical directory is by default, for a user with that home.
    pub fn source(&self, home: &Path) -> Option<PathBuf> {
        let source = self.source.as_deref()?;
        match source.strip_prefix("~/") {
            Some(below) => Some(home.join(below)),
            None => Some(PathBuf::from(source)),
        }
    }

    /// The paths that it describes, parents first.
    pub fn paths(&self) -> impl Iterator<Item = (&Path, Share)> {
        self.paths
            .iter()
            .map(|(path, share)| (path.as_path(), *share))
    }

    /// The same with another share for a path that it describes: `servers` as [`Share::Link`], for instance.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] if it does not describe that path.
    pub fn with_share(mut self, path: &str, share: Share) -> Result<Self, Error> {
        match self.paths.get_mut(Path::new(path)) {
            Some(old) => {
                *old = share;
                Ok(self)
            }
            None => Err(Error::new(
                ErrorKind::InvalidRequest,
                self.unknown_path(path),
            )),
        }
    }

    fn unknown_path(&self, path: &str) -> String {
        let known: Vec<&str> = self.path_names().collect();
        format!(
            "the layout of {} does not describe the path {path:?}; {}",
            self.tool,
            suggestion(path, &known)
        )
    }

    fn path_names(&self) -> impl Iterator<Item = &str> {
        self.paths.keys().filter_map(|path| path.as_path().to_str())
    }

    /// What a path gets: the share of the nearest described path at or above it.
    pub(crate) fn share_of(&self, path: &Relative) -> Option<Share> {
        path.and_above()
            .find_map(|above| self.paths.get(above))
            .copied()
    }

    /// Whether it describes this path or one below it.
    pub(crate) fn knows(&self, path: &Path) -> bool {
        self.paths
            .keys()
            .any(|known| known.as_path().starts_with(path))
    }
}
