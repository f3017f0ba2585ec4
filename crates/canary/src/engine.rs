mod coverage;
mod state;
mod transition;
mod verdict;

pub use coverage::Coverage;
pub use state::{Red, Standing, State};
pub use transition::{Change, Key, Transition, Witness};
pub use verdict::{Outcome, Verdict};
