//! Text of alerts: messages with their blanks filled, each piece bounded.

use std::borrow::Cow;
use std::time::Duration;

use super::{Alert, Line, Reason};
use crate::alert::case::Said;
use crate::fact::bounded;
use crate::plural::plural;
use crate::{Cause, Fact, Facts, Key, Meta, Red, Witness};

/// A value in a message, a message, and how many ids of a list are shown in one.
const VALUE: usize = 160;
const TEXT: usize = 600;
const IDS: usize = 5;
/// How much of the name of a rule set stands before each headline.
const NAME: usize = 48;

pub(super) fn headline(alert: &Alert) -> String {
    let Alert {
        invariant, title, ..
    } = alert;
    let whose = match (alert.rules.as_str(), alert.instance.as_str()) {
        ("", "") => String::new(),
        ("", name) | (name, _) => format!("[{}] ", bounded(name, NAME)),
    };
    let about = match alert.all {
        0 | 1 => String::new(),
        all => format!(", {all} subjects"),
    };
    let (reason, severity) = (alert.reason.name(), alert.severity.name());
    format!("{whose}{reason}: {invariant} {title} ({severity}{about})")
}

/// The line for one key.
pub(super) fn line(meta: &Meta, reason: Reason, said: &Said<'_>) -> Line {
    let key = said.key;
    let text = match (reason, said.witness) {
        (Reason::Flapping, _) => format!("{}; {}", said.flaps, fill(&meta.message, key)),
        (Reason::Recovered, _) if !said.flaps.is_empty() => said.flaps.clone(),
        (Reason::Recovered, witness) => recovered(key, said.held_for_secs, witness),
        (Reason::Dropped, _) => {
            let held = secs(clamped(said.held_for_secs));
            format!("red for {held}, and not watched any more")
        }
        _ => fill(&meta.message, key),
    };
    Line {
        subject: bounded(&key.subject, VALUE),
        kind: bounded(&key.kind, VALUE),
        text: bounded(&text, TEXT),
    }
}

/// That single changes of a key are not told any more.
pub(super) fn flapping(times: u64, window: Duration) -> String {
    let window = secs(clamped(window.as_secs()));
    format!(
        "it opened {times} times within {window}, and its changes are not told until it stays as it is for so long"
    )
}

/// The end of that, with nothing wrong.
pub(super) fn steady(kind: &str, window: Duration) -> String {
    let window = secs(clamped(window.as_secs()));
    format!("{kind} has stayed away for {window}, after it came and went")
}

/// The line for an invariant as a whole.
pub(super) fn whole(text: &str) -> Line {
    Line {
        subject: String::new(),
        kind: String::new(),
        text: bounded(text, TEXT),
    }
}

pub(super) fn stale(cycles: u64, cause: &Cause) -> String {
    let cycles = plural(cycles, "cycle");
    format!("not judged for {cycles}, so neither green nor red: {cause}")
}

/// What is to be said of a key that is red.
pub(crate) fn said(meta: &Meta, kind: &str, subject: &str, red: &Red) -> String {
    let key = key(kind, subject, red);
    bounded(&fill(&meta.message, &key), TEXT)
}

/// A red key of the state, as a transition would name it.
pub(super) fn key(kind: &str, subject: &str, red: &Red) -> Key {
    Key {
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        severity: red.severity,
        facts: red.facts.clone(),
        since: Some(red.since),
    }
}

fn recovered(key: &Key, held_for_secs: u64, witness: Option<&Witness>) -> String {
    let held = secs(clamped(held_for_secs));
    let shown = match witness {
        Some(Witness::Held(facts)) => facts_in_words(facts),
        Some(Witness::Gone { among, rows }) => {
            format!(": it is gone, while {among} has {}", plural(*rows, "row"))
        }
        _ => String::new(),
    };
    format!("{} is over after {held}{shown}", key.kind)
}

fn facts_in_words(facts: &Facts) -> String {
    let said: Vec<_> = facts
        .iter()
        .map(|(name, fact)| format!("{name} {}", value(fact)))
        .collect();
    match said.is_empty() {
        true => String::new(),
        false => format!(": {}", said.join(", ")),
    }
}

/// The message with its blanks filled. A blank that nothing fills becomes `?`; a brace that is not closed stays.
pub(super) fn fill(message: &str, key: &Key) -> String {
    let mut filled = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        filled.push_str(&bounded(&blank(name, key), VALUE));
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

fn blank<'a>(name: &str, key: &'a Key) -> Cow<'a, str> {
    match name {
        "subject" => Cow::Borrowed(&key.subject),
        "kind" => Cow::Borrowed(&key.kind),
        "severity" => Cow::Borrowed(key.severity.name()),
        fact => key
            .facts
            .get(fact)
            .map_or("?".into(), |fact| value(fact).into()),
    }
}

/// A fact as people read it.
fn value(fact: &Fact) -> String {
    match fact {
        Fact::Int(number) => number.to_string(),
        Fact::Secs(length) => secs(*length),
        Fact::Stamp(stamp) => stamp.to_string(),
        Fact::Id(id) => id.clone(),
        Fact::Ids { some, all } => ids(some, *all),
        Fact::None => "nothing".to_owned(),
    }
}

fn ids(some: &[String], all: u64) -> String {
    let shown: Vec<_> = some.iter().take(IDS).map(String::as_str).collect();
    let rest = all.saturating_sub(shown.len() as u64);
    match rest {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// A length of time in its two largest units.
pub(crate) fn secs(length: i64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let sign = if length < 0 { "-" } else { "" };
    let length = length.unsigned_abs();
    let first = UNITS.iter().position(|(unit, _)| length >= *unit);
    let first = first.unwrap_or(UNITS.len() - 1);
    let mut left = length;
    let mut said = Vec::new();
    for (unit, name) in UNITS.iter().skip(first).take(2) {
        if left >= *unit || said.is_empty() {
            said.push(format!("{}{name}", left / unit));
        }
        left %= unit;
    }
    format!("{sign}{}", said.join(" "))
}

fn clamped(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_two_units() {
        let said: Vec<_> = [0, 59, 60, 61, 3_600, 7_325, 90_000, -5].map(secs).into();
        assert_eq!(
            said,
            ["0s", "59s", "1m", "1m 1s", "1h", "2h 2m", "1d 1h", "-5s"]
        );
        assert!(secs(i64::MIN).starts_with('-'));
    }

    #[test]
    fn blanks_are_filled_once_and_what_fills_them_is_no_message() {
        let key = Key {
            kind: "ki{nd".into(),
            subject: "{kind}".into(),
            severity: crate::Severity::Major,
            facts: Facts::from([("n".into(), Fact::Int(3))]),
            since: None,
        };
        assert_eq!(fill("{subject}: {n} of {m} {", &key), "{kind}: 3 of ? {");
        assert_eq!(fill("{kind} is {severity}", &key), "ki{nd is major");
    }
}
