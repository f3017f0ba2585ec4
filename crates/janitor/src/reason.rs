use std::borrow::Cow;
use std::fmt;

/// What is to become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is left alone.
    Keep,
    /// It is removed, under its lock, if all still is as it was.
    Reap,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody holds the lock of its name. The only reason to reap an object.
    Orphan,
    /// A lock file that nobody holds, and no object of its name anywhere.
    Leftover,
    /// The allow-list does not match its name.
    NotAllowed,
    /// It does not bear the mark of ownership; what is missing.
    NotOurs(Cow<'static, str>),
    /// The lock of its name is held; by whom.
    Held(String),
    /// The owner of the lock is dead, but others that got it from him keep it; who. They are reported, and nothing is taken from them.
    KeptAlive(String),
    /// A mark protects it; whose, and until when.
    Protected(String),
    /// The veto hook kept it, or failed; its words.
    Vetoed(String),
    /// Another object of its name is kept; which.
    Beside(String),
    /// It could not be reaped before, and is left alone for a while; since when and why.
    Waiting(String),
    /// The pass may not reap more than it does already.
    Capped,
}

impl Reason {
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Orphan | Self::Leftover => Verdict::Reap,
            _ => Verdict::Keep,
        }
    }

    /// Whether it is an orphan all the same, that a later pass has to see to.
    pub(crate) fn postpones(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Capped)
    }

    /// One word for it, as it stands in the JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Leftover => "leftover",
            Self::NotAllowed => "not-allowed",
            Self::NotOurs(_) => "not-ours",
            Self::Held(_) => "held",
            Self::KeptAlive(_) => "kept-alive",
            Self::Protected(_) => "protected",
            Self::Vetoed(_) => "vetoed",
            Self::Beside(_) => "beside",
            Self::Waiting(_) => "waiting",
            Self::Capped => "capped",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orphan => f.write_str("nobody holds the lock of its name"),
            Self::Leftover => f.write_str("nobody holds it, and there is nothing of its name"),
            Self::NotAllowed => f.write_str("the allow-list does not match its name"),
            Self::NotOurs(missing) => write!(f, "it does not bear our mark: {missing}"),
            Self::Held(holder) => write!(f, "its lock is held by {holder}"),
            Self::KeptAlive(holder) => write!(f, "its run is gone, but its lock is not: {holder}"),
            Self::Protected(mark) => write!(f, "protected by {mark}"),
            Self::Vetoed(words) => write!(f, "vetoed: {words}"),
            Self::Beside(other) => write!(f, "{other} of the same name is kept"),
            Self::Waiting(since) => f.write_str(since),
            Self::Capped => f.write_str("this pass reaps as much as it may without it"),
        }
    }
}
