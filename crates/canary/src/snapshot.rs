use std::collections::BTreeMap;

use crate::{Reading, Stamp};

/// One look at all facets.
pub type Cut = BTreeMap<String, Reading>;

/// All that one cycle knows: what was read, when, and what was read again before anything fired. A value; checks have no other world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    taken: Stamp,
    boot: Option<String>,
    first: Cut,
    second: Cut,
}

impl Snapshot {
    /// What was read, in a cycle that began then.
    pub fn new(taken: Stamp, first: Cut) -> Self {
        Self {
            taken,
            boot: None,
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

    /// The first look.
    pub fn first(&self) -> &Cut {
        &self.first
    }

    /// The second look, at the facets that a difference made suspicious.
    pub fn second(&self) -> &Cut {
        &self.second
    }
}
