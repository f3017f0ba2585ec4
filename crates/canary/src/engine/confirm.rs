use crate::engine::look::{Id, Look, Miss};
use crate::{Cause, Finding};

/// What is left of a look after the second one: a finding that is in both, and nothing of a subject that could not be looked at again.
pub(crate) fn confirm(mut first: Look, second: Result<Look, Miss>) -> Look {
    let found = std::mem::take(&mut first.findings);
    match second {
        Ok(second) => {
            for (key, finding) in found {
                again(&mut first, &second, key, finding);
            }
        }
        Err(Miss::Unjudged(cause) | Miss::Errored(cause)) => {
            for (_, subject) in found.into_keys() {
                unseen(&mut first, subject, &cause);
            }
        }
    }
    // A subject that is blind in one of its kinds is blind in all.
    let blind = &first.blind;
    first
        .findings
        .retain(|(_, subject), _| !blind.contains_key(subject));
    first
}

fn again(first: &mut Look, second: &Look, key: Id, finding: Finding) {
    let unread = second.dark.get(&key.0);
    if let Some(cause) = second.blind.get(&key.1).or(unread) {
        return unseen(first, key.1, cause);
    }
    let still = second.findings.get(&key);
    match still.and_then(|still| common(finding, still)) {
        Some(finding) => drop(first.findings.insert(key, finding)),
        // It was a moment between two readings. What the second look shows of the subject is newer than what the first showed.
        None => match second.witnesses.get(&key.1) {
            Some(facts) => drop(first.witnesses.insert(key.1, facts.clone())),
            None => drop(first.doubtful.insert(key.1)),
        },
    }
}

fn unseen(first: &mut Look, subject: String, cause: &Cause) {
    first.witnesses.remove(&subject);
    first.blind.insert(subject, cause.clone());
}

/// The finding as it is now, with the elements that were wrong both times; none if they are all others.
fn common(first: Finding, second: &Finding) -> Option<Finding> {
    let both: std::collections::BTreeSet<_> = first
        .elements
        .intersection(&second.elements)
        .cloned()
        .collect();
    let others = both.is_empty() && !first.elements.is_empty() && !second.elements.is_empty();
    let mut finding = second.clone();
    finding.elements = both;
    (!others).then_some(finding)
}
