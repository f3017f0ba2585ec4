//! What is said of the envelope that was signed for a bundle.

use super::build::blank;
use super::{About, Judgement, Report};
use crate::attest::Flaw;
use crate::outcome::{Failure, Outcome, Place, Verdict};

/// How many flaws a message names.
const NAMED: usize = 4;

impl Report {
    /// With what was found wrong with the envelope of that name; it joins the verdict.
    pub(crate) fn attested(mut self, name: &str, flaws: Vec<Flaw>) -> Self {
        let verdicts = flaws.iter().map(|flaw| flaw.kind.verdict());
        let verdict = verdicts.max().unwrap_or(Verdict::Proven);
        let failure = flaws.first().map(|first| Failure {
            kind: first.kind,
            message: message(&flaws),
            help: None,
            excerpt: None,
        });
        let judgement = Judgement {
            outcome: Outcome::Judged(verdict),
            failure: failure.map(Box::new),
            place: Some(Place {
                path: name.into(),
                span: None,
            }),
            ..blank(&self.spec, About::Attested)
        };
        let seals = self.judgements.iter();
        let at = seals.take_while(|one| one.about == About::Seal).count();
        self.judgements.insert(at, judgement);
        self.verdict = Verdict::worst([self.verdict, verdict]);
        self
    }
}

fn message(flaws: &[Flaw]) -> String {
    let shown: Vec<String> = flaws.iter().take(NAMED).map(Flaw::to_string).collect();
    let more = match flaws.len() - shown.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    shown.join("; ") + &more
}
