use std::path::{Path, PathBuf};

use super::fields::{Fields, Form, Key, key};
use super::node::{Node, Result};

/// Where the state of things is shown after each cycle. Relative paths begin where the rules stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    html: Option<PathBuf>,
    prometheus: Option<PathBuf>,
    json: Option<PathBuf>,
}

impl Output {
    /// The page for browsers.
    pub fn html(&self) -> Option<&Path> {
        self.html.as_deref()
    }

    /// The text file for Prometheus' collector.
    pub fn prometheus(&self) -> Option<&Path> {
        self.prometheus.as_deref()
    }

    /// The file for programs.
    pub fn json(&self) -> Option<&Path> {
        self.json.as_deref()
    }
}

pub(crate) const OUTPUT: &[Key] = &[
    key("html", Form::Text),
    key("prometheus", Form::Text),
    key("json", Form::Text),
];

pub(super) fn read(node: Option<&Node>) -> Result<Output> {
    let Some(node) = node else {
        return Ok(Output::default());
    };
    let fields = Fields::new(node, "output", &[OUTPUT])?;
    let path = |name| match fields.text(name)? {
        Some("") => Err(fields.need(name)?.error("a path is not empty")),
        path => Ok(path.map(PathBuf::from)),
    };
    Ok(Output {
        html: path("html")?,
        prometheus: path("prometheus")?,
        json: path("json")?,
    })
}
