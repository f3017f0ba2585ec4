use std::collections::BTreeSet;
use std::time::Duration;

/// What the engine has to know beside the invariants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// After so many cycles without a judgement, somebody is told. At least 1.
    pub stale_after: u64,
    /// How often a cycle is meant to begin. Without it, nothing is overdue.
    pub interval: Option<Duration>,
    /// Whether a watcher begins the cycles, so that one that comes late is overdue. By hand, each comes when somebody wants it.
    pub watched: bool,
    /// The digest of the rules. Without it, nobody is told that they have changed.
    pub digest: Option<String>,
    /// Who judges: the same name after a restart. Without it, two of us are not seen.
    pub instance: Option<String>,
    /// What a check remembers and has not seen for that long is forgotten.
    pub forget_after: Duration,
}

/// Which invariants one cycle judges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Only {
    /// All, and the harness's own.
    #[default]
    All,
    /// These. The state of all others, and what the harness knows of itself, stays as it is.
    Ids(BTreeSet<String>),
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

impl Default for Options {
    /// Told after three cycles, forgotten after a week, begun by a watcher; no interval, no names.
    fn default() -> Self {
        Self {
            stale_after: 3,
            interval: None,
            watched: true,
            digest: None,
            instance: None,
            forget_after: WEEK,
        }
    }
}

impl Options {
    /// The longest silence that is no gap: two intervals, in microseconds.
    pub(crate) fn silence(&self) -> Option<i64> {
        let interval = self.interval?;
        Some(crate::stamp::micros(interval.saturating_mul(2)))
    }
}

impl Only {
    /// Whether all are judged.
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Whether this one is judged.
    pub(crate) fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(id),
        }
    }
}
