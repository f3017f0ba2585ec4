use std::path::{Path, PathBuf};
use std::process::Command;

use crate::nearest::suggestion;
use crate::{Error, ErrorKind, Layout};

/// What every command of a run is started with, so that none reaches the state of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    variables: Vec<(String, PathBuf)>,
    arguments: Vec<String>,
}

impl Environment {
    pub(crate) fn new(layout: &Layout, tree: &Path, flags: &[String]) -> Result<Self, Error> {
        let value = |path: &Option<crate::relative::Relative>| match path {
            Some(path) => tree.join(path.as_path()),
            None => tree.to_owned(),
        };
        let variables = layout.variables.iter();
        Ok(Self {
            variables: variables
                .map(|(name, path)| (name.clone(), value(path)))
                .collect(),
            arguments: arguments(layout, flags)?,
        })
    }

    /// Names and values, sorted by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_path()))
    }

    /// The words of the flags that were asked for, in that order, to follow the words of each command.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Sets the variables for a command.
    pub fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables())
    }
}

fn arguments(layout: &Layout, flags: &[String]) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    for flag in flags {
        let Some(found) = layout.flags.get(flag) else {
            let known: Vec<&str> = layout.flags.keys().map(String::as_str).collect();
            let hint = suggestion(flag, &known);
            let message = format!("the layout of {} has no flag {flag:?}; {hint}", layout.tool);
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        };
        words.extend(found.iter().cloned());
    }
    Ok(words)
}
