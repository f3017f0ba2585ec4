//! The list of rivals that `cargo xtask bench` has made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// By name: where a rival is, or why it is not.
pub(crate) struct Rivals(Value);

/// A program with the variables that it needs.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
}

impl Program {
    /// A program that needs no variables.
    pub(crate) fn plain(path: PathBuf) -> Self {
        let env = BTreeMap::new();
        Self { path, env }
    }
}

impl Rivals {
    pub(crate) fn load(file: &Path) -> crate::Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// The program, or why it cannot be run.
    pub(crate) fn find(&self, name: &str) -> Result<Program, String> {
        let entry = &self.0[name];
        let Some(path) = entry["path"].as_str() else {
            let reason = entry["missing"].as_str();
            return Err(reason.unwrap_or("not in the list of rivals").to_owned());
        };
        let env = entry["env"].as_object().into_iter().flatten();
        let env = env.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        let path = path.into();
        Ok(Program {
            path,
            env: env.collect(),
        })
    }

    /// `name version` of all that are there.
    pub(crate) fn versions(&self) -> Vec<String> {
        let entries = self.0.as_object().into_iter().flatten();
        let versions = entries.filter_map(|(_, entry)| entry["version"].as_str());
        let mut versions: Vec<_> = versions.map(str::to_owned).collect();
        versions.sort();
        versions.dedup();
        versions
    }
}
