use std::time::Duration;

use super::is_name;
use super::node::{Entry, Node, Place, Result};
use super::spots::Spots;
use crate::{Setting, Settings};

/// Where readings come from, as the rule set says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRule {
    name: String,
    kind: String,
    timeout: Duration,
    settings: Settings,
    spots: Spots,
}

/// The keys that every source has.
pub(crate) const COMMON: &[&str] = &["kind", "timeout"];

const TIMEOUT: Duration = Duration::from_secs(5);

impl SourceRule {
    /// Its name in the rule set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is: `redis`, `sqlite`, `command`, …
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// How long one reading may take; five seconds if nothing is said.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The rest, for the kind to understand.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn spots(&self) -> &Spots {
        &self.spots
    }

    /// Whether both read the same thing, whatever they are called.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.name == other.name || (self.kind == other.kind && self.settings == other.settings)
    }
}

pub(super) fn read(node: Option<&Node>) -> Result<Vec<SourceRule>> {
    let entries = node.map(Node::entries).transpose()?.unwrap_or_default();
    entries.iter().map(source).collect()
}

fn source(entry: &Entry) -> Result<SourceRule> {
    if !is_name(&entry.key) {
        let message = format!(
            "`{}`: a name is made of letters, digits and `. - _`",
            entry.key
        );
        return Err(entry.place.error(message));
    }
    let missing = || {
        entry
            .node
            .error("`kind` is missing: what it is, such as \"redis\"")
    };
    entry.node.entries()?;
    let timeout = entry.node.get("timeout").map(super::fields::duration);
    let settings = entry.node.settings(COMMON)?;
    if let Some(Setting::Text(url)) = settings.get("url") {
        let node = entry.node.get("url").unwrap_or(&entry.node);
        refuse_password(url, &node.place)?;
    }
    Ok(SourceRule {
        spots: Spots::of(&entry.node),
        name: entry.key.clone(),
        kind: entry
            .node
            .get("kind")
            .ok_or_else(missing)?
            .text()?
            .to_owned(),
        timeout: timeout.transpose()?.unwrap_or(TIMEOUT),
        settings,
    })
}

/// The rules are read by many, and copied.
pub(super) fn refuse_password(url: &str, place: &Place) -> Result {
    match has_password(url) {
        true => Err(place.error("a password does not belong into a rule set: name the variable that holds the address with `url_env`")),
        false => Ok(()),
    }
}

/// Whether there is something between the colon and the `@` of an address, or behind `password=`.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let user = host.rsplit_once('@').map(|(user, _)| user);
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    user.and_then(|user| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
        || query.split('&').any(|pair| pair.starts_with("password="))
}
