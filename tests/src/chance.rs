//! Random numbers that a failure can be repeated with.

use std::env;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A small generator (splitmix64).
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// A generator seeded by `RUNWARD_SEED`, else by the clock.
    pub fn new() -> Self {
        let clock = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_nanos() as u64);
        Self::seeded(number("RUNWARD_SEED", clock))
    }

    /// A generator with this seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// The seed, to print with a failure.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A duration below `end`.
    pub fn duration(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(end.as_micros() as u64))
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}

/// A number from the environment.
///
/// # Panics
///
/// When the variable is there and is not such a number.
pub fn number<N: FromStr>(variable: &str, default: N) -> N {
    let Ok(text) = env::var(variable) else {
        return default;
    };
    text.parse()
        .unwrap_or_else(|_| panic!("{variable} is no number: {text:?}"))
}
