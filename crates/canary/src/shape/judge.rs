//! What every shape does alike: it sifts what it needs, and the sieve says what it found.

use super::facet::Judged;
use super::sieve::Sieve;
use crate::{Check, Memory, Tally, View};

/// A shape that was read.
pub(super) trait Judge {
    /// The facets without which nothing can be said.
    fn facets(&self) -> Vec<&str>;

    /// Its kinds, by the names that the rule set gives them.
    fn names(&self) -> &[String];

    /// Looks at everything.
    ///
    /// # Errors
    ///
    /// Why nothing can be said at all.
    fn judge<'a>(&'a self, view: &View<'a>, memory: &mut Memory, sieve: &mut Sieve<'a>) -> Judged;
}

impl<J: Judge> Check for J {
    fn needs(&self) -> Vec<&str> {
        self.facets()
    }

    fn kinds(&self) -> Vec<&str> {
        self.names().iter().map(String::as_str).collect()
    }

    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
        let mut sieve = Sieve::new(self.names(), tally.red);
        match self.judge(view, tally.memory(), &mut sieve) {
            Ok(()) => sieve.pour(view, &self.facets(), tally),
            Err(cause) => tally.unjudged(cause),
        }
    }
}
