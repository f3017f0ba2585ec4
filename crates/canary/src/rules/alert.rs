use super::fields::{self};
use super::node::{Node, Result};
use crate::{Settings, Severity};

/// Where alerts go, as the rule set says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    kind: String,
    minimum: Severity,
    settings: Settings,
}

/// The keys that every `[[alert]]` has.
pub(crate) const COMMON: &[&str] = &["kind", "minimum"];

impl AlertRule {
    /// What it is: `stderr`, `file`, `command`, `webhook` or `email`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What is less bad than that does not go there.
    pub fn minimum(&self) -> Severity {
        self.minimum
    }

    /// The rest, for the kind to understand.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

pub(super) fn read(node: Option<&Node>) -> Result<Vec<AlertRule>> {
    let nodes = node.map(Node::list).transpose()?.unwrap_or_default();
    nodes.iter().map(alert).collect()
}

fn alert(node: &Node) -> Result<AlertRule> {
    node.entries()?;
    let kind = node.get("kind");
    let minimum = node.get("minimum").map(fields::severity).transpose()?;
    Ok(AlertRule {
        kind: kind
            .ok_or_else(|| node.error("`kind` is missing"))?
            .text()?
            .to_owned(),
        minimum: minimum.unwrap_or(Severity::Minor),
        settings: node.settings(COMMON)?,
    })
}
