use serde::{Deserialize, Serialize};

use crate::Cause;

/// What came of one attempt to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The other side said that it has it.
    Delivered,
    /// Nobody is to be told by that way; not a failure.
    Skipped,
    /// It was not tried, as there is no time left in this cycle; the next one begins with it.
    Later,
    /// It did not arrive, or nobody knows whether it did.
    Failed(Cause),
}

/// What became of alerts since the state was begun. Each only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Counters {
    /// Alerts that were decided upon.
    pub detected: u64,
    /// Deliveries: one for each alert and each sink.
    pub delivered: u64,
    /// Alerts for which there was no sink, or which a sink does not carry.
    pub skipped: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries that were given up. Each is an error.
    pub dropped: u64,
    /// Entries of the outbox that could not be read, and were lost.
    pub corrupt: u64,
}
