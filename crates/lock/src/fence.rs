use std::fmt;

/// Acquires of one lock file for each epoch.
const SPAN: u64 = 1_000_000;
/// What JSON carries: no holder is given this or more.
const LIMIT: u64 = 1 << 53;

/// The number that grows with each exclusive holder of a name; below 2^53, so that JSON carries it.
///
/// A callee that keeps the highest fence it has seen can refuse a caller that was replaced meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(u64);

impl Fence {
    /// The fence with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The first one of an epoch; none if not all of that epoch can be given.
    pub(crate) const fn first_of(epoch: u64) -> Option<Self> {
        if epoch < LIMIT / SPAN {
            Some(Self(epoch * SPAN + 1))
        } else {
            None
        }
    }

    pub(crate) const fn epoch(self) -> u64 {
        self.0 / SPAN
    }

    /// The next one of the same lock file, until its epoch is used up.
    pub(crate) const fn next(self) -> Option<Self> {
        if !self.can_be_given() || self.0 % SPAN == SPAN - 1 {
            None
        } else {
            Some(Self(self.0 + 1))
        }
    }

    /// Whether a holder may have it.
    pub(crate) const fn can_be_given(self) -> bool {
        self.0 < LIMIT / SPAN * SPAN
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Fence;

    #[test]
    fn an_epoch_ends_before_the_next_one_begins() {
        let last = Fence::new(8_999_999);
        assert_eq!(last.next(), None);
        let first = Fence::first_of(9).unwrap();
        assert!(first > last);
        assert_eq!(first.next(), Some(Fence::new(9_000_002)));
    }

    #[test]
    fn what_cannot_be_given_has_no_next() {
        assert_eq!(Fence::first_of(u64::MAX), None);
        assert_eq!(Fence::first_of(super::LIMIT / super::SPAN), None);
        assert_eq!(Fence::new(u64::MAX).next(), None);
        let last = Fence::first_of(super::LIMIT / super::SPAN - 1).unwrap();
        assert!(last.can_be_given() && last.get() + super::SPAN < super::LIMIT);
    }
}
