use std::collections::BTreeMap;

use crate::engine::look::{Id, Look};
use crate::engine::state::Standing;
use crate::engine::sustain;
use crate::{Cause, Change, Finding, Key, Red, Severity, Stamp, Witness};

/// Moves the red keys of an invariant by what was seen, and says what has changed. What was not seen stays as it is.
pub(crate) fn step(
    standing: &mut Standing,
    look: &Look,
    severity: Severity,
    at: Stamp,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, finding) in &look.findings {
        changes.extend(found(standing, id, finding, severity, at));
    }
    for (kind, subject) in better(standing, look) {
        changes.extend(close(standing, look, kind, subject, at));
    }
    changes
}

fn found(
    standing: &mut Standing,
    id: &Id,
    finding: &Finding,
    own: Severity,
    at: Stamp,
) -> Option<Change> {
    let severity = finding.severity.unwrap_or(own);
    let episode = standing.is_red();
    let since = sustain::fired(&mut standing.pending, id).unwrap_or(at);
    let subjects = standing.red.entry(id.0.clone()).or_default();
    let Some(red) = subjects.get_mut(&id.1) else {
        let red = Red::new(finding, severity, since, at);
        let key = red.key(id);
        subjects.insert(id.1.clone(), red);
        return Some(if episode {
            Change::Joined(key)
        } else {
            Change::Opened(key)
        });
    };
    let from = red.severity;
    red.again(finding, severity, at);
    let key = red.key(id);
    (severity > from).then_some(Change::Worsened { key, from })
}

/// The red keys of which nothing bad was seen, and nothing hides them.
fn better(standing: &Standing, look: &Look) -> Vec<Id> {
    let wanting = look.suspects();
    let keys = standing
        .red()
        .map(|(kind, subject, _)| (kind.to_owned(), subject.to_owned()));
    keys.filter(|id| !look.findings.contains_key(id) && !look.blind.contains_key(&id.1))
        .filter(|id| !look.dark.contains_key(&id.0))
        .filter(|id| look.witnesses.contains_key(&id.1) || !wanting.contains(&id.1))
        .collect()
}

fn close(
    standing: &mut Standing,
    look: &Look,
    kind: String,
    subject: String,
    at: Stamp,
) -> Option<Change> {
    let witness = witness(look, &subject)?;
    let subjects = standing.red.get_mut(&kind)?;
    let red = subjects.remove(&subject)?;
    if subjects.is_empty() {
        standing.red.remove(&kind);
    }
    Some(Change::Closed {
        held_for_secs: red.held_for(at),
        key: red.key(&(kind, subject)),
        witness,
        over: !standing.is_red(),
    })
}

/// What shows that a subject is well: that it was seen, or that it was not, while others were.
fn witness(look: &Look, subject: &str) -> Option<Witness> {
    if let Some(facts) = look.witnesses.get(subject) {
        return Some(Witness::Held(facts.clone()));
    }
    let (among, rows) = look.among.clone()?;
    (!look.doubtful.contains(subject)).then_some(Witness::Gone { among, rows })
}

/// Counts a cycle in which not everything could be judged, and says so once, when there were enough of them.
pub(crate) fn unjudged(standing: &mut Standing, cause: &Cause, enough: u64) -> Option<Change> {
    standing.unjudged += 1;
    let unjudged_cycles = standing.unjudged;
    let told = standing.stale;
    standing.stale |= unjudged_cycles >= enough;
    (!told && standing.stale).then(|| Change::Stale {
        unjudged_cycles,
        cause: cause.clone(),
    })
}

/// What the rules do not know any more can never be seen to be well: it is dropped, and said.
pub(crate) fn dropped(
    red: BTreeMap<String, BTreeMap<String, Red>>,
    at: Stamp,
) -> impl Iterator<Item = Change> {
    let kinds = red.into_iter();
    let keys = kinds.flat_map(|(kind, subjects)| {
        let of = move |(subject, red): (String, Red)| ((kind.clone(), subject), red);
        subjects.into_iter().map(of)
    });
    keys.map(move |(id, red)| Change::Dropped {
        key: red.key(&id),
        held_for_secs: red.held_for(at),
    })
}

impl Red {
    fn new(finding: &Finding, severity: Severity, since: Stamp, at: Stamp) -> Self {
        Self {
            since,
            seen: at,
            cycles: 1,
            severity,
            elements: finding.elements.clone(),
            facts: finding.facts.clone(),
            alerted: None,
        }
    }

    fn again(&mut self, finding: &Finding, severity: Severity, at: Stamp) {
        self.seen = at;
        self.cycles += 1;
        self.severity = self.severity.max(severity);
        self.elements.clone_from(&finding.elements);
        self.facts.clone_from(&finding.facts);
    }

    fn key(&self, (kind, subject): &Id) -> Key {
        Key {
            kind: kind.clone(),
            subject: subject.clone(),
            severity: self.severity,
            facts: self.facts.clone(),
            since: Some(self.since),
        }
    }

    fn held_for(&self, at: Stamp) -> u64 {
        u64::try_from(at.since(self.since) / 1_000_000).unwrap_or(0)
    }
}
