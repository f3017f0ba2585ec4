//! From states to judgements.

use super::excerpt::excerpt;
use super::{About, Judgement, Report};
use crate::bundle;
use crate::engine::{Bundle, Cite, Failed, Held, State};
use crate::outcome::{Failure, FailureKind, Outcome, Place, Span, Verdict};
use crate::spec::check::Check;
use crate::spec::{Unread, glob};
use crate::{Spec, Terms};

/// The id under which unread files are reported.
pub(crate) const UNREAD: &str = "unread";
/// The id under which it is reported that no rule looked at anything.
pub(crate) const EXAMINED: &str = "bundle.examined";

impl Report {
    pub(crate) fn new(spec: &Spec, bundle: &Bundle, states: &[State], terms: &Terms) -> Self {
        let builder = Builder {
            spec,
            bundle,
            terms,
        };
        let numbered = (0..).zip(states);
        let seal = bundle
            .seal
            .iter()
            .map(|seal| super::seal::judgement(spec, seal));
        let rules = numbered.map(|(at, state)| builder.rule(at, state));
        let mut judgements: Vec<_> = seal.chain(rules).collect();
        judgements.extend(builder.unread());
        judgements.extend(unexamined(spec, &judgements));
        let judged = judgements
            .iter()
            .filter_map(|judgement| match judgement.outcome {
                Outcome::Judged(verdict) => Some(verdict),
                Outcome::Blocked => None,
            });
        Self {
            verdict: Verdict::worst(judged),
            spec: spec.clone(),
            judgements,
        }
    }
}

struct Builder<'b> {
    spec: &'b Spec,
    bundle: &'b Bundle,
    terms: &'b Terms,
}

impl Builder<'_> {
    fn rule(&self, number: u32, state: &State) -> Judgement {
        let base = blank(self.spec, About::Rule(number));
        match state {
            State::Held(held) => self.held(base, held),
            State::Failed(failed) => self.failed(base, number, failed),
            State::Blocked(root) => Judgement {
                blocked_by: Some(*root),
                ..base
            },
        }
    }

    fn held(&self, base: Judgement, held: &Held) -> Judgement {
        Judgement {
            outcome: Outcome::Judged(Verdict::Proven),
            place: held.cites.first().map(|cite| self.place(*cite)),
            by_absence: held.by_absence,
            ..base
        }
    }

    fn failed(&self, base: Judgement, number: u32, failed: &Failed) -> Judgement {
        let own = failed.kind.verdict();
        let refuted = own == Verdict::Refuted || failed.kind == FailureKind::NotAttempted;
        let otherwise = self.spec.rule(number).otherwise.filter(|_| refuted);
        let waiver = self.spec.waiver(number);
        let waived = self.spec.is_waived(number, self.terms);
        let verdict = if waived {
            Verdict::Waived
        } else {
            otherwise.unwrap_or(own)
        };
        Judgement {
            outcome: Outcome::Judged(verdict),
            failure: Some(Box::new(self.failure(failed))),
            place: failed.cite.map(|cite| self.place(cite)),
            waiver: waiver.map(|waiver| {
                let day = if waived {
                    "until"
                } else {
                    "not applied: it ends with"
                };
                waiver.says(day).into()
            }),
            ..base
        }
    }

    fn failure(&self, failed: &Failed) -> Failure {
        Failure {
            kind: failed.kind,
            message: failed.message.clone(),
            help: failed.help.clone(),
            excerpt: failed.cite.and_then(|cite| {
                let (start, end) = cite.span?;
                let body = self.bundle.body(cite.artifact)?;
                Some(excerpt(body, start as usize, end as usize))
            }),
        }
    }

    fn place(&self, cite: Cite) -> Place {
        let path = self.spec.artifact(cite.artifact).file.clone();
        let body = self.bundle.body(cite.artifact);
        let span = cite.span.zip(body).map(|((start, end), body)| {
            let (line, column) = body.position(start as usize);
            let (start, end) = (start as usize, end as usize);
            Span {
                start,
                end,
                line,
                column,
            }
        });
        Place { path, span }
    }

    /// What nothing reads, unless the spec allows that.
    fn unread(&self) -> Option<Judgement> {
        let Unread::Fails(ignore) = self.spec.unread() else {
            return None;
        };
        let files = match &self.bundle.files {
            Ok(files) => files,
            Err(error) => {
                let error = error.clone();
                return Some(unread(self.spec, FailureKind::Unlisted, error, None));
            }
        };
        let read = self.read(ignore);
        let mut left = files.iter().filter(|path| !read(path));
        let first = left.next()?;
        let rest = match left.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!("no artifact reads `{}`{rest}", first.escape_debug());
        let first = Some(first.clone());
        Some(unread(self.spec, FailureKind::UnreadFile, message, first))
    }

    /// Whether a file is read, or need not be.
    fn read<'r>(&'r self, ignore: &'r [String]) -> impl Fn(&str) -> bool + 'r {
        let globs: Vec<&str> = self
            .globs()
            .chain(ignore.iter().map(String::as_str))
            .collect();
        let artifacts = self.spec.artifacts().iter();
        let known: std::collections::HashSet<&str> =
            artifacts.map(|artifact| &*artifact.file).collect();
        let sealed = self.bundle.seal.is_some();
        move |path| {
            sealed && bundle::is_own(path)
                || known.contains(path)
                || globs.iter().any(|glob| glob::matches(glob, path))
        }
    }

    fn globs(&self) -> impl Iterator<Item = &str> {
        self.spec
            .rules()
            .iter()
            .filter_map(|rule| match &rule.check {
                Check::Files { glob, .. } | Check::Veto { glob } => Some(&**glob),
                _ => None,
            })
    }
}

fn unread(spec: &Spec, kind: FailureKind, message: String, path: Option<String>) -> Judgement {
    let help = "remove it, read it with an artifact, or ignore it under `[files]` with a `why`";
    let failure = Failure {
        kind,
        message,
        help: (kind == FailureKind::UnreadFile).then(|| help.to_owned()),
        excerpt: None,
    };
    let place = path.map(|path| Place {
        path: path.into(),
        span: None,
    });
    Judgement {
        outcome: Outcome::Judged(kind.verdict()),
        failure: Some(Box::new(failure)),
        place,
        ..blank(spec, About::Unread)
    }
}

/// That all is green, and no rule looked at anything that is there. Where a rule fails, that says enough.
fn unexamined(spec: &Spec, judgements: &[Judgement]) -> Option<Judgement> {
    let says_enough = |one: &Judgement| one.outcome.is_failure() || one.examined_something();
    if judgements.iter().any(says_enough) {
        return None;
    }
    let failure = Failure {
        kind: FailureKind::NothingExamined,
        message: "no rule looked at anything that is there".to_owned(),
        help: Some("a bundle in which something is missing has to be able to fail".to_owned()),
        excerpt: None,
    };
    Some(Judgement {
        outcome: Outcome::Judged(failure.kind.verdict()),
        failure: Some(Box::new(failure)),
        ..blank(spec, About::Examined)
    })
}

/// A judgement that says nothing yet.
pub(super) fn blank(spec: &Spec, about: About) -> Judgement {
    Judgement {
        spec: spec.clone(),
        about,
        outcome: Outcome::Blocked,
        failure: None,
        place: None,
        blocked_by: None,
        by_absence: false,
        waiver: None,
    }
}
