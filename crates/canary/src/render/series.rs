use super::Level;
use crate::engine::is_own;
use crate::{Outcome, Report, Severity, Verdict};

/// What several cycles come to that were judged one after the other, without what was red before them.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a>(&'a [Report]);

impl<'a> Series<'a> {
    /// The cycles, oldest first.
    pub fn new(reports: &'a [Report]) -> Self {
        Self(reports)
    }

    /// The worst of what was found; unknown if something could not be judged, or nothing was there to be examined.
    pub fn level(&self) -> Level {
        let verdicts = || self.0.iter().flat_map(|report| report.verdicts.values());
        let red = verdicts().filter(|verdict| !verdict.findings().is_empty());
        let worst = red.filter_map(Verdict::severity).max();
        let dark = self.is_empty() || verdicts().any(|verdict| !verdict.is_judged());
        match worst {
            Some(Severity::Critical) => Level::Critical,
            _ if dark => Level::Unknown,
            Some(_) => Level::Warning,
            None => Level::Ok,
        }
    }

    /// Whether none of the invariants of the rules had anything to look at.
    pub fn is_empty(&self) -> bool {
        let saw = |verdict: &Verdict| match verdict.outcome {
            Outcome::Held { examined } => examined > 0,
            Outcome::Violated { .. } => true,
            _ => false,
        };
        let verdicts = self.0.iter().flat_map(|report| &report.verdicts);
        !verdicts
            .filter(|(id, _)| !is_own(id))
            .any(|(_, verdict)| saw(verdict))
    }
}
