use std::fmt;

/// Acquires of one lock file for each epoch.
const SPAN: u64 = 1_000_000;

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

    pub(crate) const fn first_of(epoch: u64) -> Self {
        Self(epoch * SPAN + 1)
    }

    /// The next one of the same lock file, until its epoch is used up.
    pub(crate) const fn next(self) -> Option<Self> {
        if self.0 % SPAN == SPAN - 1 {
            None
        } else {
            Some(Self(self.0 + 1))
        }
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
        assert!(Fence::first_of(9) > last);
        assert_eq!(Fence::first_of(9).next(), Some(Fence::new(9_000_002)));
    }
}
