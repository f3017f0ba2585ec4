use std::fmt;
use std::time::SystemTime;

use crate::clock;

/// Keeps an object for somebody who wants to look at it, without turning the janitor off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    by: String,
    until: Option<SystemTime>,
}

impl Protect {
    /// Until then; `by` says who or what asked for it.
    pub fn until(until: SystemTime, by: impl Into<String>) -> Self {
        Self {
            by: by.into(),
            until: Some(until),
        }
    }

    /// For as long as the mark is there.
    pub fn always(by: impl Into<String>) -> Self {
        Self {
            by: by.into(),
            until: None,
        }
    }

    /// Whether it still keeps the object at that time.
    pub fn holds_at(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl fmt::Display for Protect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.by)?;
        match self.until {
            Some(until) => write!(f, " until {}", clock::show(until)),
            None => Ok(()),
        }
    }
}
