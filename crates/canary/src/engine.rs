//! How a snapshot is judged, what comes of it, and what is kept of it for the next.
//!
//! [`judge`] makes a [`Cycle`]: a [`Report`] for people, with a [`Verdict`] for each invariant and each [`Transition`] since the cycle before, and the
//! [`State`] to begin the next one with. [`replay`] judges stored snapshots in a row, and [`diff`] says what other rules make of them.

mod confirm;
mod coverage;
mod epoch;
mod health;
mod judge;
mod look;
mod options;
mod settle;
mod state;
mod step;
mod sustain;
mod transition;
mod verdict;

pub use coverage::Coverage;
pub(crate) use health::is_own;
pub use judge::{Cycle, judge, suspects};
pub(crate) use look::words;
pub use options::{Only, Options};
pub(crate) use settle::Settled;
pub use state::{Red, Standing, State};
pub use transition::{Change, Key, Transition, Witness};
pub use verdict::{Outcome, Verdict};

pub use crate::replay::{Difference, diff, replay};
pub use crate::report::{Report, Unread};
