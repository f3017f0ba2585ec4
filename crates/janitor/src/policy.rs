use std::time::Duration;

use crate::Allow;

/// What may be swept, and within which limits.
#[derive(Clone, Debug)]
#[must_use = "a policy does nothing until a janitor gets it"]
pub struct Policy {
    pub(crate) allow: Allow,
    pub(crate) cap: usize,
    pub(crate) share: u8,
    pub(crate) overdue: Option<Duration>,
    pub(crate) warn_every: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) within: Duration,
    pub(crate) pause: Duration,
    pub(crate) full_at: u8,
}

/// How long a name is left alone after a failure: twice as long after each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Backoff {
    pub(crate) fn after(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

impl Policy {
    /// These names; at most 20 of them in a pass, and the other limits as they stand at their methods.
    pub fn new(allow: Allow) -> Self {
        Self {
            allow,
            cap: 20,
            share: 100,
            overdue: None,
            warn_every: Duration::from_secs(86_400),
            backoff: Backoff {
                first: Duration::from_secs(30),
                longest: Duration::from_secs(3600),
            },
            within: Duration::from_secs(600),
            pause: Duration::from_millis(200),
            full_at: 90,
        }
    }

    /// How many names with objects one pass may reap; the rest is kept, and said. Lock files without any object do not count.
    pub fn cap(mut self, names: usize) -> Self {
        self.cap = names;
        self
    }

    /// How many of the names that it may sweep and that have objects one pass may reap, in percent and rounded up; all unless told. Where
    /// much of what there is seems dead at once, something else may be wrong.
    pub fn share(mut self, percent: u8) -> Self {
        self.share = percent.min(100);
        self
    }

    /// How long a lock may be held before it is reported. That is all that follows from age.
    pub fn overdue(mut self, after: Duration) -> Self {
        self.overdue = Some(after);
        self
    }

    /// How long the same holder is not reported again; a day unless told.
    pub fn warn_every(mut self, period: Duration) -> Self {
        self.warn_every = period;
        self
    }

    /// How long a name is left alone after a failure: `first`, then twice as long each time, up to `longest`. 30 seconds and an hour unless told.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff { first, longest };
        self
    }

    /// How long one name may take; ten minutes unless told.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// How long to wait before an unfinished step is taken again: this the first time, 200 ms unless told, then twice as long each time.
    pub fn pause(mut self, time: Duration) -> Self {
        self.pause = time;
        self
    }

    /// From which share used, in percent, something that runs out is reported; 90 unless told.
    pub fn full_at(mut self, percent: u8) -> Self {
        self.full_at = percent;
        self
    }
}
