use std::fmt;
use std::time::Duration;

use crate::{Check, Meta};

/// What must hold: the words for people, the check, and how much evidence it takes.
pub struct Invariant {
    pub(crate) meta: Meta,
    pub(crate) check: Box<dyn Check>,
    pub(crate) terms: Terms,
}

/// How much evidence it takes to call an invariant violated, held, or worth a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// Differences are read again, and only those that are in both looks fire.
    pub reread: bool,
    /// A finding fires once it has been there for that long, in every cycle that could judge.
    pub sustained: Option<Duration>,
    /// Two readings that are compared may lie at most so far apart; beyond it, nothing is said.
    pub max_skew: Option<Duration>,
    /// The facet that shows that somebody was there to be seen: while it has rows, nothing found among nothing is good news and closes an episode.
    pub among: Option<String>,
    /// Too little to look at for too long is worth a word.
    pub expect: Option<Expect>,
    /// Judged once after each event instead of in every cycle.
    pub when: Option<When>,
}

/// So much has to be examined within so many cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// At least so many elements, in at least one cycle.
    pub examined_at_least: u64,
    /// Of so many cycles in a row.
    pub within_cycles: u64,
}

/// Once after each event, as the single row of a facet tells: its id is another one than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// The facet with the event's id and, if it knows, its instant (`born`).
    pub facet: String,
    /// Not before that much later.
    pub delay: Duration,
    /// And not after that much later: too late to say anything.
    pub within: Duration,
}

impl Invariant {
    /// An invariant that is judged in every cycle and fires at once.
    pub fn new(meta: Meta, check: impl Check + 'static) -> Self {
        Self {
            meta,
            check: Box::new(check),
            terms: Terms::default(),
        }
    }

    /// The same with other terms.
    #[must_use]
    pub fn with_terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// The words for people.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The kinds of its findings.
    pub fn kinds(&self) -> Vec<&str> {
        self.check.kinds()
    }

    /// How much evidence it takes.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invariant")
            .field("meta", &self.meta)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}
