//! What several formats say alike.

use super::{Judgement, Report};
use crate::outcome::{Outcome, Verdict};

/// Outcomes in the order in which they are counted.
pub(super) const OUTCOMES: [Outcome; 6] = [
    Outcome::Judged(Verdict::Proven),
    Outcome::Judged(Verdict::Waived),
    Outcome::Judged(Verdict::Vacuous),
    Outcome::Judged(Verdict::Inconclusive),
    Outcome::Judged(Verdict::Refuted),
    Outcome::Blocked,
];

/// A text of somebody else's, fit for a terminal: no control and no invisible reordering in it.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(if c == '\t' { ' ' } else { c });
        }
    }
    out
}

fn is_hostile(c: char) -> bool {
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\t') || reorders || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

impl Judgement {
    /// What is to be said about it in one line.
    pub(super) fn summary(&self) -> String {
        match (&self.failure, self.blocked_by()) {
            (Some(failure), _) => failure.message.clone(),
            (None, Some(by)) => format!("blocked by {by}"),
            (None, None) if self.by_absence => "holds because nothing is there".to_owned(),
            (None, None) => "holds".to_owned(),
        }
    }

    /// `file:line:column`, as far as that is known.
    pub(super) fn location(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        Some(match &place.span {
            Some(span) => format!("{}:{}:{}", place.path, span.line, span.column),
            None => place.path.to_string(),
        })
    }

    /// Notes for people: why the rule is there, what helps, what a waiver says.
    pub(super) fn notes(&self) -> Vec<String> {
        let why = self.why().map(|why| format!("why: {why}"));
        let help = self
            .failure
            .as_ref()
            .and_then(|failure| failure.help.as_ref());
        let help = help.map(|help| format!("help: {help}"));
        let waiver = self.waiver.as_deref().map(str::to_owned);
        why.into_iter().chain(help).chain(waiver).collect()
    }
}

impl Report {
    /// `201 proven, 1 refuted`: what there is, best first.
    pub(super) fn tally(&self) -> String {
        let counted = OUTCOMES.map(|outcome| (self.count(outcome), outcome.name()));
        let some = counted.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = some
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        parts.join(", ")
    }
}
