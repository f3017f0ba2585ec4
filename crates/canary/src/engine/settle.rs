use crate::engine::look::{Look, Miss};
use crate::engine::state::Standing;
use crate::engine::step;
use crate::{Cause, Change, Expect, Finding, Meta, Options, Outcome, Stamp, Verdict, When};

/// Who is blind where an event was missed.
const EVENT: &str = "(event)";

/// The verdict of an invariant, and what has changed by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) verdict: Verdict,
    pub(crate) changes: Vec<Change>,
    pub(crate) examined: u64,
}

/// Makes a verdict of a look, moves what may be moved by it, and counts.
pub(crate) fn settle(
    meta: &Meta,
    expect: Option<Expect>,
    options: &Options,
    at: Stamp,
    looked: Result<Look, Miss>,
    pending: Vec<Finding>,
    standing: &mut Standing,
) -> Settled {
    let mut settled = match looked {
        Ok(look) => judged(meta, at, look, standing),
        Err(Miss::Unjudged(cause)) => Settled::of(meta, Outcome::Unjudged { cause }),
        Err(Miss::Errored(cause)) => Settled::of(meta, Outcome::Errored { cause }),
    };
    settled.verdict.pending = pending;
    settled.verdict.red = standing.red().count() as u64;
    settled.count(expect, options, standing);
    settled
}

fn judged(meta: &Meta, at: Stamp, look: Look, standing: &mut Standing) -> Settled {
    let changes = step::step(standing, &look, meta.severity, at);
    let examined = look.examined;
    let outcome = match hidden(&look) {
        _ if !look.findings.is_empty() => Outcome::Violated {
            examined,
            findings: look.findings.into_values().collect(),
        },
        Some(cause) => Outcome::Unjudged { cause },
        None => Outcome::Held { examined },
    };
    let mut settled = Settled::of(meta, outcome);
    settled.verdict.blind = look.blind;
    settled.verdict.arms = look.arms;
    settled.changes = changes;
    settled.examined = examined;
    settled
}

/// Why not everything could be judged, if so.
fn hidden(look: &Look) -> Option<Cause> {
    let (subject, cause) = look.blind.first_key_value()?;
    let words = match look.blind.len() {
        1 => format!("{subject} could not be judged: {}", cause.detail()),
        count => format!(
            "{count} subjects could not be judged, the first is {subject}: {}",
            cause.detail()
        ),
    };
    Some(Cause::new(cause.kind(), words))
}

impl Settled {
    fn of(meta: &Meta, outcome: Outcome) -> Self {
        let verdict = Verdict::new(meta.clone(), outcome);
        Self {
            verdict,
            changes: Vec::new(),
            examined: 0,
        }
    }

    /// Nothing was to be judged: nothing is counted, and what is red stays so.
    pub(crate) fn not_due(meta: &Meta, when: Option<&When>, standing: &Standing) -> Self {
        let mut settled = Self::of(meta, Outcome::NotDue);
        settled.verdict.red = standing.red().count() as u64;
        let unseen = standing.epoch.as_ref().zip(when);
        let unseen = unseen.and_then(|(epoch, when)| epoch.unseen(when));
        settled.verdict.blind = unseen
            .map(|cause| (EVENT.to_owned(), cause))
            .into_iter()
            .collect();
        settled
    }

    /// An event that nobody judged in time is told once. That it was missed is over then: no later look can mend it.
    pub(crate) fn missed(meta: &Meta, cause: Cause, standing: &mut Standing) -> Self {
        let unjudged_cycles = standing.unjudged + 1;
        (standing.unjudged, standing.stale) = (0, false);
        let outcome = Outcome::Unjudged {
            cause: cause.clone(),
        };
        let mut settled = Self::of(meta, outcome);
        settled.verdict.red = standing.red().count() as u64;
        settled.changes = vec![Change::Stale {
            unjudged_cycles,
            cause,
        }];
        standing.coverage.count(&settled.verdict, 0);
        settled
    }

    fn count(&mut self, expect: Option<Expect>, options: &Options, standing: &mut Standing) {
        match self.why_not() {
            Some(cause) => {
                let stale = step::unjudged(standing, &cause, options.stale_after.max(1));
                self.changes.extend(stale);
            }
            None => {
                standing.unjudged = 0;
                standing.stale = false;
            }
        }
        if self.verdict.is_judged() {
            let vacuous = self.verdict.is_vacuous();
            standing.vacuous = if vacuous { standing.vacuous + 1 } else { 0 };
            let enough = expect.is_none_or(|expect| self.examined >= expect.examined_at_least);
            standing.short = if enough { 0 } else { standing.short + 1 };
        }
        standing.coverage.count(&self.verdict, self.examined);
    }

    /// Why nothing, or not everything, could be judged: a violation does not hide that some of its subjects were not seen.
    fn why_not(&self) -> Option<Cause> {
        let blind = || self.verdict.blind.values().next();
        self.verdict.cause().or_else(blind).cloned()
    }
}
