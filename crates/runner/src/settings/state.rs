use std::collections::BTreeMap;
use std::path::PathBuf;

use runward_abradir::Share;
use serde::Deserialize;

use super::options::one_or_many;

/// What a state directory is made of: the section `[state]` of the file. The layout itself is an option of the run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StateOptions {
    /// The canonical directory, where it is not the one that the layout names.
    pub(crate) source: Option<PathBuf>,
    /// The server of the app, as the tool calls it.
    pub(crate) server: Option<String>,
    /// Paths of the canonical directory that are copied instead of being fetched.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) stage: Vec<String>,
    /// Other shares than those of the layout: own, link, copy, absent.
    pub(crate) share: BTreeMap<String, Share>,
}

impl StateOptions {
    pub(super) fn names() -> Vec<String> {
        ["source", "server", "stage", "share"]
            .map(str::to_owned)
            .to_vec()
    }
}
