use std::time::Duration;

use super::fields::{Fields, Form, Key, SEVERITIES, key};
use super::node::{Node, Result};
use crate::Severity;

/// When to look, and when to say something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// From the beginning of one cycle to that of the next.
    pub interval: Duration,
    /// Before the first cycle.
    pub startup: Duration,
    /// What is red for that long is said again.
    pub remind_after: Option<Duration>,
    /// Whether it is said that something is well again.
    pub recover: bool,
    /// What is less bad than that is not said at all.
    pub minimum: Severity,
    /// An invariant that could not be judged for so many cycles is worth a word.
    pub stale_after: u64,
    /// So many openings of one key within `flap_window` are one alert and then silence until it is quiet again; 0 for never.
    pub flap: u64,
    /// See `flap`.
    pub flap_window: Duration,
    /// What is run after each cycle that judged: a program and its arguments. Whoever expects it knows when the watcher is dead.
    pub ping: Vec<String>,
}

/// How long what was seen is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Episodes that are over.
    pub findings: Duration,
    /// Snapshots on disk; none are kept if nothing is said.
    pub snapshots: Option<Duration>,
    /// One row for each episode instead of one for each cycle.
    pub by_episode: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(300),
            startup: Duration::from_secs(30),
            remind_after: None,
            recover: true,
            minimum: Severity::Minor,
            stale_after: 3,
            flap: 0,
            flap_window: Duration::from_secs(3600),
            ping: Vec::new(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            findings: Duration::from_secs(30 * 86_400),
            snapshots: None,
            by_episode: true,
        }
    }
}

pub(crate) const POLICY: &[Key] = &[
    key("interval", Form::Duration),
    key("startup", Form::Duration),
    key("remind_after", Form::Duration),
    key("recover", Form::Bool),
    key("minimum", Form::OneOf(SEVERITIES)),
    key("stale_after", Form::Int),
    key("flap", Form::Int),
    key("flap_window", Form::Duration),
    key("ping", Form::Texts),
];

pub(crate) const RETENTION: &[Key] = &[
    key("findings", Form::Duration),
    key("snapshots", Form::Duration),
    key("dedupe", Form::OneOf(DEDUPE)),
];

const DEDUPE: &[&str] = &["episode", "cycle"];

pub(super) fn read(node: Option<&Node>) -> Result<Policy> {
    let usual = Policy::default();
    let Some(node) = node else {
        return Ok(usual);
    };
    let fields = Fields::new(node, "policy", &[POLICY])?;
    let interval = fields.duration("interval")?.unwrap_or(usual.interval);
    let stale_after = fields.count("stale_after")?.unwrap_or(usual.stale_after);
    if interval < Duration::from_secs(1) {
        return Err(fields
            .need("interval")?
            .error("an interval is at least a second"));
    }
    if stale_after == 0 {
        return Err(fields
            .need("stale_after")?
            .error("`stale_after` is at least one cycle"));
    }
    Ok(Policy {
        interval,
        stale_after,
        startup: fields.duration("startup")?.unwrap_or(usual.startup),
        remind_after: fields.duration("remind_after")?,
        recover: fields
            .get("recover")
            .map_or(Ok(usual.recover), Node::boolean)?,
        minimum: fields.severity("minimum")?.unwrap_or(usual.minimum),
        ping: fields.argv("ping")?,
        flap: fields.count("flap")?.unwrap_or(usual.flap),
        flap_window: fields.duration("flap_window")?.unwrap_or(usual.flap_window),
    })
}

pub(super) fn retention(node: Option<&Node>) -> Result<Retention> {
    let usual = Retention::default();
    let Some(node) = node else {
        return Ok(usual);
    };
    let fields = Fields::new(node, "retention", &[RETENTION])?;
    Ok(Retention {
        findings: fields.duration("findings")?.unwrap_or(usual.findings),
        snapshots: fields.duration("snapshots")?,
        by_episode: fields.one_of("dedupe", DEDUPE)? != Some(1),
    })
}
