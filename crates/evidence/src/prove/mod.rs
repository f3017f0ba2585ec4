//! Whether each rule can fail: for each, a change of a good bundle that trips it and nothing else.

mod breaks;
mod edit;
mod listing;
mod repair;
mod runs;
mod sample;
mod series;
mod ties;
mod trial;
mod values;

use std::fmt;

use edit::Edit;
use trial::Trial;

use crate::engine::{Bundle, State};
use crate::report::clean;
use crate::{Error, Source, Spec, Terms, Verdict, verify};

/// How many changes are tried for one rule.
const TRIES: usize = 48;
/// How often a change is amended so that the other rules hold again.
const AMENDMENTS: usize = 6;

/// What was found about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    rule: String,
    result: ProofResult,
    edits: Vec<String>,
    others: Vec<String>,
}

/// Whether a rule can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProofResult {
    /// A change trips it and nothing else: without the rule, the change would go unseen.
    Exact,
    /// It failed only together with others.
    Entangled,
    /// Others failed before it, so it was never asked.
    Shadowed,
    /// It holds on this bundle only because nothing is there, and no change was found.
    Vacuous,
    /// No change was found that trips it.
    CannotFail,
}

impl ProofResult {
    /// In a few lower-case words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Entangled => "entangled",
            Self::Shadowed => "shadowed",
            Self::Vacuous => "vacuous",
            Self::CannotFail => "cannot fail",
        }
    }
}

impl Proof {
    /// The rule's id.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Whether it can fail.
    pub fn result(&self) -> ProofResult {
        self.result
    }

    /// The change, edit by edit, in words.
    pub fn edits(&self) -> &[String] {
        &self.edits
    }

    /// The rules that it is entangled with, or that shadow it.
    pub fn others(&self) -> &[String] {
        &self.others
    }
}

/// What was found about all rules of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs(Vec<Proof>);

impl Proofs {
    /// One for each rule, in the order of the spec.
    pub fn all(&self) -> &[Proof] {
        &self.0
    }

    /// Whether each rule was tripped alone.
    pub fn is_complete(&self) -> bool {
        self.0
            .iter()
            .all(|proof| proof.result == ProofResult::Exact)
    }
}

impl fmt::Display for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for proof in &self.0 {
            let others = match proof.others.is_empty() {
                true => String::new(),
                false => format!(" ({})", proof.others.join(", ")),
            };
            writeln!(
                f,
                "{}: {}{}",
                proof.result.name(),
                clean(&proof.rule),
                clean(&others)
            )?;
            for edit in &proof.edits {
                writeln!(f, "    {}", clean(edit))?;
            }
        }
        let exact = self
            .0
            .iter()
            .filter(|proof| proof.result == ProofResult::Exact);
        writeln!(
            f,
            "{} of {} rules were tripped alone",
            exact.count(),
            self.0.len()
        )
    }
}

/// Looks for a change of a good bundle that trips exactly one rule, for each rule of a spec.
///
/// Files that a rule ties together are changed together, and rules that a change breaks on its way are satisfied again where that
/// can be done. Nothing is written: the changes are made in memory.
///
/// # Errors
///
/// When the bundle is not proven as it is: then it says nothing about the rules.
pub fn prove(spec: &Spec, good: &dyn Source, terms: &Terms) -> Result<Proofs, Error> {
    let report = verify(spec, good, terms);
    if report.verdict() != Verdict::Proven {
        let failed = report
            .judgements()
            .iter()
            .find(|judged| judged.outcome().is_failure());
        let rule = failed.map_or("", |judged| judged.id());
        let message = format!(
            "the bundle is {}, first by {rule}: only one that is proven shows what its rules can do",
            report.verdict().name()
        );
        return Err(Error::usage(message));
    }
    let bundle = Bundle::load(spec, good, terms);
    let trial = Trial::new(spec, &bundle, terms);
    let count = u32::try_from(spec.rules().len()).unwrap_or(u32::MAX);
    let proofs = (0..count).map(|rule| {
        Prover {
            trial: &trial,
            rule,
        }
        .prove()
    });
    Ok(Proofs(proofs.collect()))
}

struct Prover<'t> {
    trial: &'t Trial<'t>,
    rule: u32,
}

/// The best that was found so far.
enum Best {
    Nothing,
    Shadowed(Vec<u32>),
    Entangled(Vec<u32>, Vec<Edit>),
}

impl Prover<'_> {
    fn prove(&self) -> Proof {
        let mut best = Best::Nothing;
        for change in breaks::of(self.trial, self.rule).into_iter().take(TRIES) {
            if let Some(edits) = self.amend(change, &mut best) {
                return self.proof(ProofResult::Exact, &edits, &[]);
            }
        }
        match best {
            Best::Entangled(others, edits) => self.proof(ProofResult::Entangled, &edits, &others),
            Best::Shadowed(others) => self.proof(ProofResult::Shadowed, &[], &others),
            Best::Nothing if self.trial.is_by_absence(self.rule) => {
                self.proof(ProofResult::Vacuous, &[], &[])
            }
            Best::Nothing => self.proof(ProofResult::CannotFail, &[], &[]),
        }
    }

    /// Tries a change, and amends it while that helps; the edits, if they trip the rule alone.
    fn amend(&self, change: Vec<Edit>, best: &mut Best) -> Option<Vec<Edit>> {
        let mut edits = ties::close(self.trial, change, self.rule)?;
        for _ in 0..AMENDMENTS {
            let (bundle, states) = self.trial.run(&edits)?;
            let failed = failed(&states);
            let tripped = failed.contains(&self.rule);
            let others: Vec<u32> = failed
                .into_iter()
                .filter(|other| *other != self.rule)
                .collect();
            if tripped && others.is_empty() {
                return Some(edits);
            }
            self.remember(tripped, &others, &edits, best);
            let repairs = others
                .iter()
                .find_map(|other| repair::of(self.trial, *other, &bundle, &edits))?;
            edits.extend(repairs);
            edits = ties::close(self.trial, edits, self.rule)?;
        }
        None
    }

    fn remember(&self, tripped: bool, others: &[u32], edits: &[Edit], best: &mut Best) {
        let better = match best {
            Best::Entangled(known, _) => tripped && others.len() < known.len(),
            Best::Shadowed(_) => tripped,
            Best::Nothing => !others.is_empty(),
        };
        if better && tripped {
            *best = Best::Entangled(others.to_vec(), edits.to_vec());
        } else if better {
            *best = Best::Shadowed(others.to_vec());
        }
    }

    fn proof(&self, result: ProofResult, edits: &[Edit], others: &[u32]) -> Proof {
        let spec = self.trial.spec;
        Proof {
            rule: spec.rule(self.rule).id.clone(),
            result,
            edits: edits.iter().map(|edit| edit.describe(spec)).collect(),
            others: others
                .iter()
                .map(|other| spec.rule(*other).id.clone())
                .collect(),
        }
    }
}

fn failed(states: &[State]) -> Vec<u32> {
    let numbered = (0..).zip(states);
    let failed = numbered.filter(|(_, state)| matches!(state, State::Failed(_)));
    failed.map(|(number, _)| number).collect()
}
