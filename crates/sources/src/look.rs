//! One look: how long it may take, and what becomes of what goes wrong in it.

use std::io;
use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, CauseKind, Context, Reading};

use crate::rows::Rows;

/// When a look has to be over: the deadline of the cycle, or the timeout of the source.
pub(crate) fn until(context: &Context<'_>, timeout: Duration) -> Instant {
    context.deadline.min(Instant::now() + timeout)
}

/// What is left until then; nothing is a timeout.
pub(crate) fn left(until: Instant) -> io::Result<Duration> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        // Nothing at all would be for ever, to the kernel.
        left => Ok(left.max(Duration::from_millis(1))),
    }
}

/// The same, for what has no error of its own.
pub(crate) fn check(until: Instant) -> Result<(), Cause> {
    left(until).map(drop).map_err(|error| fault("", &error))
}

/// What it is that went wrong.
pub(crate) fn fault(what: impl AsRef<str>, error: &io::Error) -> Cause {
    use io::ErrorKind as E;
    let kind = match error.kind() {
        E::TimedOut | E::WouldBlock => CauseKind::Timeout,
        E::PermissionDenied => CauseKind::Denied,
        E::InvalidData => CauseKind::Garbled,
        _ => CauseKind::Unreachable,
    };
    let words = match kind {
        CauseKind::Timeout => "no answer in time".to_owned(),
        _ => error.to_string(),
    };
    match what.as_ref() {
        "" => Cause::new(kind, words),
        what => Cause::new(kind, format!("{what}: {words}")),
    }
}

/// Reads one facet after the other, each by itself.
pub(crate) fn one_by_one(
    asks: &[&Ask],
    context: &Context<'_>,
    mut read: impl FnMut(&Ask) -> Result<Reading, Cause>,
) -> Vec<Reading> {
    let one = |ask: &&Ask| {
        let begun = (context.clock)();
        read(ask).unwrap_or_else(|cause| Reading::failed(cause, begun, (context.clock)()))
    };
    asks.iter().map(one).collect()
}

/// The reading of rows that were gathered since `begun`.
pub(crate) fn done(
    mut rows: Rows<'_>,
    begun: runward_canary::Stamp,
    context: &Context<'_>,
    watermark: Option<String>,
) -> Reading {
    let now = (context.clock)();
    rows.during(begun, now);
    rows.finish(begun, now, watermark)
}

/// Readings that all failed for one reason.
pub(crate) fn all_failed(
    asks: &[&Ask],
    cause: &Cause,
    begun: runward_canary::Stamp,
    context: &Context<'_>,
) -> Vec<Reading> {
    let now = (context.clock)();
    let failed = |_: &&Ask| Reading::failed(cause.clone(), begun, now);
    asks.iter().map(failed).collect()
}

/// The same reading, which began earlier: what it is made of was read for all at once.
pub(crate) fn since(reading: Reading, begun: runward_canary::Stamp) -> Reading {
    let ended = reading.ended();
    let mut moved = match reading.table() {
        Ok(table) => Reading::ok(table.clone(), begun, ended),
        Err(cause) => Reading::failed(cause.clone(), begun, ended),
    };
    for (subject, cause) in reading.gaps() {
        moved = moved.with_gap(subject, cause.clone());
    }
    match reading.watermark() {
        Some(watermark) => moved.with_watermark(watermark),
        None => moved,
    }
}
