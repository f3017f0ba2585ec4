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
    /// A cycle that takes longer is ended; the interval, and at least five minutes, if nothing is said.
    pub deadline: Option<Duration>,
    /// What is red for that long is said again.
    pub remind_after: Option<Duration>,
    /// Whether it is said that something is well again.
    pub recover: bool,
    /// What is less bad than that is not said at all.
    pub minimum: Severity,
    /// An invariant that could not be judged for so many cycles is worth a word.
    pub stale_after: u64,
    /// A key that opens more often than this within `flap_window` is told once as flapping, and again when it has stayed as it is for that long; 0 for never.
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
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(300),
            startup: Duration::from_secs(30),
            deadline: None,
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
        }
    }
}

pub(crate) const POLICY: &[Key] = &[
    key("interval", Form::Duration),
    key("startup", Form::Duration),
    key("deadline", Form::Duration),
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
];

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
    let deadline = fields.duration("deadline")?;
    if deadline.is_some_and(|it| it < Duration::from_secs(1)) {
        return Err(fields
            .need("deadline")?
            .error("a cycle has at least a second"));
    }
    let (flap, flap_window) = flap(fields, interval, &usual)?;
    Ok(Policy {
        interval,
        deadline,
        stale_after,
        startup: fields.duration("startup")?.unwrap_or(usual.startup),
        remind_after: fields.duration("remind_after")?,
        recover: fields
            .get("recover")
            .map_or(Ok(usual.recover), Node::boolean)?,
        minimum: fields.severity("minimum")?.unwrap_or(usual.minimum),
        ping: fields.argv("ping")?,
        flap,
        flap_window,
    })
}

/// A key opens at most in every other cycle: in too short a window it could never open too often.
fn flap(fields: Fields<'_>, interval: Duration, usual: &Policy) -> Result<(u64, Duration)> {
    let flap = fields.count("flap")?.unwrap_or(usual.flap);
    let window = fields.duration("flap_window")?.unwrap_or(usual.flap_window);
    let least = interval.as_micros() * 2 * u128::from(flap);
    if flap > 0 && window.as_micros() <= least {
        let words = format!(
            "`flap = {flap}` can never be exceeded: in each `interval` a key opens or closes, so `flap_window` has to be longer than {} of them",
            flap.saturating_mul(2)
        );
        return Err(fields.need("flap")?.error(words));
    }
    Ok((flap, window))
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
    })
}
