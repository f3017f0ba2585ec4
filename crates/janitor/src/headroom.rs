use std::fmt;

/// How much of something there is, and how much of it is used: subnets, volumes, bytes of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headroom {
    what: String,
    used: u64,
    limit: u64,
}

impl Headroom {
    /// So much used of so much.
    pub fn new(what: impl Into<String>, used: u64, limit: u64) -> Self {
        Self {
            what: what.into(),
            used,
            limit,
        }
    }

    /// Whether at least this share of it is used, in percent. Of nothing all is used.
    pub fn exceeds(&self, percent: u8) -> bool {
        u128::from(self.used) * 100 >= u128::from(self.limit) * u128::from(percent)
    }
}

impl fmt::Display for Headroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} {} used", self.used, self.limit, self.what)
    }
}
