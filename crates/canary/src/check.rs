use crate::{Tally, View};

/// One way to judge a snapshot. It does no I/O, has no clock but the snapshot's, and remembers only through the [`Tally`].
pub trait Check {
    /// The facets without which nothing can be said. If one was not read, the invariant is unjudged and the check is not run.
    fn needs(&self) -> Vec<&str>;

    /// All facets that it compares, also those that it can do without: they are what is read again, and what may lie only so far apart.
    fn reads(&self) -> Vec<&str> {
        self.needs()
    }

    /// The kinds of its findings, all of them.
    fn kinds(&self) -> Vec<&str>;

    /// Judges: each subject that was looked at is examined, and then found wanting, held, or blind.
    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>);
}
