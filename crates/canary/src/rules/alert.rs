use super::fields::{self};
use super::node::{Node, Result};
use super::spots::Spots;
use crate::{Error, Settings, Severity};

/// Where alerts go, as the rule set says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    name: String,
    kind: String,
    minimum: Severity,
    settings: Settings,
    spots: Spots,
}

/// The keys that every `[[alert]]` has.
pub(crate) const COMMON: &[&str] = &["kind", "name", "minimum"];

impl AlertRule {
    /// By which what has not arrived there is kept: as it is said, or the kind, with `-2` and so on behind it for further ones in the order of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

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

    /// What its kind refuses, with the place of that setting in the rules.
    pub fn refused(&self, setting: Option<&str>, why: &str) -> Error {
        self.spots.error(setting, why)
    }
}

pub(super) fn read(node: Option<&Node>) -> Result<Vec<AlertRule>> {
    let nodes = node.map(Node::list).transpose()?.unwrap_or_default();
    let mut alerts = Vec::new();
    for node in nodes {
        let alert = alert(node, &alerts)?;
        alerts.push(alert);
    }
    Ok(alerts)
}

/// The name that is said, or one that nobody before it has.
fn name(node: &Node, kind: &str, before: &[AlertRule]) -> Result<String> {
    let is_taken = |name: &str| before.iter().any(|one| one.name == name);
    let Some(said) = node.get("name") else {
        let further = (2..).map(|number| format!("{kind}-{number}"));
        let mut names = std::iter::once(kind.to_owned()).chain(further);
        return Ok(names.find(|name| !is_taken(name)).unwrap_or_default());
    };
    match said.text()? {
        "" => Err(said.error("a name has letters")),
        name if is_taken(name) => Err(said.error(format!("`{name}` is another alert already"))),
        name => Ok(name.to_owned()),
    }
}

/// The settings that are secrets, and what names the variable that holds each.
const SECRETS: [(&str, &str); 2] = [("url", "url_env"), ("password", "password_env")];

/// Whoever has the address of a webhook may write there; one of this machine is for trials.
fn no_secret(node: &Node) -> Result {
    for (name, instead) in SECRETS {
        let Some(node) = node.get(name) else { continue };
        let local = node.text().is_ok_and(is_local);
        if name != "url" || !local {
            return Err(node.error(format!(
                "this is a secret, and does not belong into a rule set: name the variable that holds it with `{instead}`"
            )));
        }
    }
    Ok(())
}

fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => host,
    };
    matches!(host, "localhost" | "[::1]" | "127.0.0.1")
}

fn alert(node: &Node, before: &[AlertRule]) -> Result<AlertRule> {
    node.entries()?;
    no_secret(node)?;
    let kind = node.get("kind");
    let kind = kind
        .ok_or_else(|| node.error("`kind` is missing: where it goes, such as \"stderr\""))?
        .text()?;
    let minimum = node.get("minimum").map(fields::severity).transpose()?;
    Ok(AlertRule {
        name: name(node, kind, before)?,
        kind: kind.to_owned(),
        minimum: minimum.unwrap_or(Severity::Minor),
        settings: node.settings(COMMON)?,
        spots: Spots::of(node),
    })
}
