//! Samples and what is said of them.

use serde_json::{Value, json};

/// What was measured for one contender, in the unit of its section.
#[derive(Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

/// The figures that a table shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// Nothing is dropped: an outlier is part of what a user gets.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Summary {
            count: sorted.len(),
            min: *sorted.first()?,
            median: rank(&sorted, 0.50)?,
            p95: rank(&sorted, 0.95)?,
            p99: rank(&sorted, 0.99)?,
        })
    }
}

impl Summary {
    pub(crate) fn json(&self) -> Value {
        json!({
            "count": self.count, "min": self.min, "median": self.median, "p95": self.p95, "p99": self.p99,
        })
    }
}

/// The smallest sample that this share of all samples does not exceed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a sample count fits in every type involved"
)]
fn rank(sorted: &[f64], share: f64) -> Option<f64> {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn ranks_are_samples_that_were_taken() {
        let mut samples = Samples::default();
        (1..=100).rev().for_each(|n| samples.push(f64::from(n)));
        let found = samples.summary().expect("there are samples");
        assert_eq!(
            (found.count, found.min, found.median, found.p95, found.p99),
            (100, 1.0, 50.0, 95.0, 99.0)
        );
    }

    #[test]
    fn of_nothing_nothing_is_said() {
        assert_eq!(Samples::default().summary(), None);
    }
}
