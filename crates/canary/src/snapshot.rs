use std::collections::{BTreeMap, BTreeSet};

use crate::{Reading, Stamp};

/// One look at all facets.
pub type Cut = BTreeMap<String, Reading>;

/// All that one cycle knows: what was read, when, and what was read again before anything fired. A value; checks have no other world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    taken: Stamp,
    pub(crate) ended: Option<Stamp>,
    pub(crate) monotonic: Option<u64>,
    boot: Option<String>,
    pub(crate) origins: BTreeMap<String, String>,
    pub(crate) remote: BTreeSet<String>,
    first: Cut,
    second: Cut,
}

impl Snapshot {
    /// What was read, in a cycle that began then.
    pub fn new(taken: Stamp, first: Cut) -> Self {
        Self {
            taken,
            ended: None,
            monotonic: None,
            boot: None,
            origins: BTreeMap::new(),
            remote: BTreeSet::new(),
            first,
            second: Cut::new(),
        }
    }

    /// Adds the boot id of the host that looked: without it, a step of its clock and a restart look alike.
    #[must_use]
    pub fn with_boot(mut self, boot: impl Into<String>) -> Self {
        self.boot = Some(boot.into());
        self
    }

    /// Adds when the cycle had read all that it read.
    #[must_use]
    pub fn with_ended(mut self, ended: Stamp) -> Self {
        self.ended = Some(ended);
        self
    }

    /// Adds the time since the boot when the cycle began, in microseconds, by a clock that nobody sets (`CLOCK_BOOTTIME`).
    #[must_use]
    pub fn with_monotonic(mut self, micros: u64) -> Self {
        self.monotonic = Some(micros);
        self
    }

    /// Adds which source each facet came from. A facet that is not named here is a source of its own.
    #[must_use]
    pub fn with_origins(mut self, origins: BTreeMap<String, String>) -> Self {
        self.origins = origins;
        self
    }

    /// Adds which sources are so far away that no answer of theirs comes in no time.
    #[must_use]
    pub fn with_remote(mut self, remote: BTreeSet<String>) -> Self {
        self.remote = remote;
        self
    }

    /// Adds what was read again.
    #[must_use]
    pub fn with_second(mut self, second: Cut) -> Self {
        self.second = second;
        self
    }

    /// When the cycle began, by the clock of the one who looked.
    pub fn taken(&self) -> Stamp {
        self.taken
    }

    /// The boot id of the host that looked.
    pub fn boot(&self) -> Option<&str> {
        self.boot.as_deref()
    }

    /// When the cycle had read all, as far as it says so.
    pub fn ended(&self) -> Option<Stamp> {
        self.ended
    }

    /// Which source a facet came from.
    pub(crate) fn origin<'a>(&'a self, facet: &'a str) -> &'a str {
        self.origins.get(facet).map_or(facet, String::as_str)
    }

    /// The first look.
    pub fn first(&self) -> &Cut {
        &self.first
    }

    /// The second look, at the facets that a difference made suspicious.
    pub fn second(&self) -> &Cut {
        &self.second
    }
}
