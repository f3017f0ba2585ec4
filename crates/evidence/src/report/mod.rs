//! What was found, and how it is written down.

#[cfg(feature = "attest")]
mod attested;
mod build;
mod excerpt;
mod human;
mod json;
mod junit;
mod sarif;
mod seal;
mod tap;
mod words;

pub(crate) use build::{EXAMINED, UNREAD};
pub(crate) use seal::{ATTESTED, SEALED};
pub(crate) use words::clean;

use crate::Spec;
use crate::outcome::{Failure, Outcome, Place, Verdict};

/// The verdict on a bundle, and what became of each rule.
#[derive(Clone, Debug)]
pub struct Report {
    spec: Spec,
    judgements: Vec<Judgement>,
    verdict: Verdict,
}

/// What became of one rule.
#[derive(Clone, Debug)]
pub struct Judgement {
    spec: Spec,
    about: About,
    outcome: Outcome,
    failure: Option<Box<Failure>>,
    place: Option<Place>,
    /// The number of the rule at the root.
    blocked_by: Option<u32>,
    by_absence: bool,
    /// What is said of a waiver: that it applies, or that it does not any more.
    waiver: Option<Box<str>>,
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A rule, by its number in the spec.
    Rule(u32),
    /// The seal of the bundle.
    Seal,
    /// The envelope that was signed for it.
    #[cfg(feature = "attest")]
    Attested,
    /// The files that nothing reads.
    Unread,
    /// Whether any rule looked at anything.
    Examined,
}

impl About {
    fn rule(self) -> Option<u32> {
        match self {
            Self::Rule(number) => Some(number),
            _ => None,
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people: what is not proven, with the lines of artifact and spec.
    #[default]
    Human,
    /// Everything, byte for byte the same for the same input.
    Json,
    /// JUnit XML: refuted is a failure; vacuous and inconclusive are errors; blocked and waived are skipped.
    Junit,
    /// SARIF 2.1.0: only what is not proven, since many readers show any result as a finding.
    Sarif,
    /// TAP version 14.
    Tap,
}

impl Format {
    /// The names on a command line.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("human", Self::Human),
        ("json", Self::Json),
        ("junit", Self::Junit),
        ("sarif", Self::Sarif),
        ("tap", Self::Tap),
    ];

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| *format)
    }
}

impl Report {
    /// The worst of all rules that were judged.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Every rule, in the order of the spec; before them the seal and what was signed, behind them, if there are any, the files
    /// that nothing reads, and that nothing was examined.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// What became of the rule of that id.
    pub fn judgement(&self, id: &str) -> Option<&Judgement> {
        self.judgements
            .iter()
            .find(|judgement| judgement.id() == id)
    }

    /// How many rules ended like that.
    pub fn count(&self, outcome: Outcome) -> usize {
        let like = |judgement: &&Judgement| judgement.outcome == outcome;
        self.judgements.iter().filter(like).count()
    }

    /// The report as text.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Human => human::render(self),
            Format::Json => json::render(self),
            Format::Junit => junit::render(self),
            Format::Sarif => sarif::render(self),
            Format::Tap => tap::render(self),
        }
    }
}

impl Judgement {
    /// The rule's id.
    pub fn id(&self) -> &str {
        match self.about {
            About::Rule(rule) => &self.spec.rule(rule).id,
            About::Seal => SEALED,
            #[cfg(feature = "attest")]
            About::Attested => ATTESTED,
            About::Unread => UNREAD,
            About::Examined => EXAMINED,
        }
    }

    /// Whether a rule looked at something that was there, and made it green. The seal is no rule of the spec's: of what the files say
    /// it says nothing.
    fn examined_something(&self) -> bool {
        let counterexample = |failure: &Failure| failure.kind().verdict() == Verdict::Refuted;
        self.about.rule().is_some()
            && match self.outcome {
                Outcome::Judged(Verdict::Proven) => !self.by_absence,
                Outcome::Judged(Verdict::Waived) => {
                    self.failure.as_deref().is_some_and(counterexample)
                }
                _ => false,
            }
    }

    /// Where the rule stands in the spec.
    fn at(&self) -> Option<usize> {
        self.about.rule().map(|rule| self.spec.rule(rule).at)
    }

    fn why(&self) -> Option<&str> {
        self.spec.rule(self.about.rule()?).why.as_deref()
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why it does not hold; also of one that is waived.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// The witness of one that holds, the counterexample of one that does not.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The rule at the root of what blocks it.
    pub fn blocked_by(&self) -> Option<&str> {
        self.blocked_by.map(|rule| &*self.spec.rule(rule).id)
    }

    /// Whether it holds only because nothing was there, which the rule allows and says why.
    pub fn is_by_absence(&self) -> bool {
        self.by_absence
    }
}
