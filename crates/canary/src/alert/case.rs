use std::time::Duration;

use super::flap::Told;
use super::policy;
use super::{Alert, Line, Policy, Reason, words};
use crate::fact::bounded;
use crate::plural::plural;
use crate::{Change, Key, Meta, Red, Severity, Stamp, Standing, Verdict, Witness};

/// Of how many subjects an alert speaks; of the others it says how many there are.
const LINES: usize = 5;
const LABEL: usize = 32;
/// How much of the names of a rule set and of a harness.
const NAME: usize = 120;

/// One key, and what is said of it.
pub(super) struct Said<'a> {
    pub(super) key: &'a Key,
    pub(super) held_for_secs: u64,
    pub(super) witness: Option<&'a Witness>,
    /// What is said of its coming and going; empty if it does not.
    pub(super) flaps: String,
}

/// One invariant in one cycle.
pub(super) struct Case<'a> {
    pub(super) policy: &'a Policy,
    pub(super) meta: &'a Meta,
    pub(super) verdict: Option<&'a Verdict>,
    pub(super) at: Stamp,
    /// What is red and bad enough.
    pub(super) red: Vec<(Key, &'a Red)>,
    /// What of that comes and goes, as somebody knows.
    pub(super) flapping: Vec<(Key, &'a Red)>,
    /// What came and went, and has stayed away.
    pub(super) away: Vec<Key>,
    /// How many.
    pub(super) total: u64,
    pub(super) changes: Vec<&'a Change>,
    pub(super) told: policy::Told,
    pub(super) alerts: Vec<Alert>,
}

type Names = Vec<(String, String)>;

impl Case<'_> {
    /// What comes and goes is told once, and once more when it does not any more.
    pub(super) fn flaps(&mut self) {
        let Policy {
            flap, flap_window, ..
        } = *self.policy;
        let mut flaps = std::mem::take(&mut self.told.flaps);
        let window = match flap {
            0 => Duration::ZERO,
            _ => flap_window,
        };
        flaps.follow(&self.changes, self.at, flap, window);
        let settled = flaps.settled(self.at, window, |subject| self.sees(subject));
        self.away = self.stayed_away(settled);
        let mut begun = Vec::new();
        for (key, red) in std::mem::take(&mut self.red) {
            let found = flaps.get_mut(&key.kind, &key.subject);
            let Some(one) = found.filter(|one| one.told.is_some() || one.times() > flap) else {
                self.red.push((key, red));
                continue;
            };
            if one.told.is_none_or(|told| self.is_news(told, red)) {
                begun.push((key.clone(), red, one.times()));
                let worst = one.told.map_or(red.severity, |told| told.severity);
                one.told = Some(Told {
                    at: self.at,
                    severity: worst.max(red.severity),
                });
            }
            self.flapping.push((key, red));
        }
        self.come_and_go(&begun);
        self.told.flaps = flaps;
    }

    /// Whether what is known of a key that comes and goes is to be told again.
    fn is_news(&self, told: Told, red: &Red) -> bool {
        let remind = self.policy.remind_after;
        red.severity > told.severity || remind.is_some_and(|after| over(self.at, told.at, after))
    }

    fn come_and_go(&mut self, begun: &[(Key, &Red, u64)]) {
        if begun.is_empty() {
            return;
        }
        let window = self.policy.flap_window;
        let said: Vec<_> = begun
            .iter()
            .map(|(key, _, times)| Said {
                flaps: words::flapping(*times, window),
                ..plain(key)
            })
            .collect();
        let since = begun.iter().map(|(_, red, _)| red.since).min();
        self.say(Reason::Flapping, &said, since);
        self.told.red = Some(self.at);
    }

    /// What has stayed away. What has stayed is red, and nobody was told of this time: that is news like any other.
    fn stayed_away(&self, settled: Vec<Key>) -> Vec<Key> {
        let is_red = |key: &Key| {
            let same = |it: &Key| it.kind == key.kind && it.subject == key.subject;
            self.red.iter().any(|(red, _)| same(red))
        };
        settled.into_iter().filter(|key| !is_red(key)).collect()
    }

    /// Whether this cycle could tell how that subject is.
    fn sees(&self, subject: &str) -> bool {
        let judged = |it: &&Verdict| it.is_judged() && !it.blind.contains_key(subject);
        self.verdict.filter(judged).is_some()
    }

    /// Subjects that are as they should be again, and the end of an episode.
    pub(super) fn well(&mut self) {
        let closed: Vec<_> = self.changes.iter().filter_map(|it| closed(it)).collect();
        let mut closed = self.bad_enough(closed);
        closed.retain(|said| self.told.red.is_some() && !self.told.flaps.is_told(said.key));
        let since = match closed.is_empty() {
            true => None,
            false => self.earliest(&closed),
        };
        let away = std::mem::take(&mut self.away);
        let window = self.policy.flap_window;
        closed.extend(away.iter().map(|key| Said {
            flaps: words::steady(&key.kind, window),
            ..plain(key)
        }));
        if self.policy.recover && !closed.is_empty() {
            self.say(Reason::Recovered, &closed, since);
        }
    }

    pub(super) fn gone(&mut self) {
        let dropped: Vec<_> = self.changes.iter().filter_map(|it| dropped(it)).collect();
        let dropped = self.bad_enough(dropped);
        let known = |it: &Said<'_>| self.told.red.is_some() || self.told.flaps.is_told(it.key);
        let is_known = dropped.iter().any(known);
        if is_known {
            self.say(Reason::Dropped, &dropped, self.earliest(&dropped));
        }
    }

    fn bad_enough<'k>(&self, mut said: Vec<Said<'k>>) -> Vec<Said<'k>> {
        said.retain(|said| said.key.severity >= self.policy.minimum);
        said
    }

    /// What is red and nobody was told of, or became worse.
    pub(super) fn news(&mut self) -> Names {
        let red = std::mem::take(&mut self.red);
        let untold = |(_, red): &&(Key, &Red)| red.alerted.is_none();
        let fresh: Vec<_> = red.iter().filter(untold).collect();
        let worse: Vec<_> = red
            .iter()
            .filter(|it| !untold(it) && self.worse(&it.0))
            .collect();
        let opening = match self.told.red {
            None => Reason::Opened,
            Some(_) => Reason::Joined,
        };
        self.tell(opening, &fresh);
        self.tell(Reason::Worsened, &worse);
        let names = fresh
            .iter()
            .chain(&worse)
            .map(|(key, _)| names(key))
            .collect();
        drop((fresh, worse));
        self.red = red;
        names
    }

    fn worse(&self, key: &Key) -> bool {
        let same = |it: &Change| {
            matches!(it, Change::Worsened { key: worse, .. }
                if worse.kind == key.kind && worse.subject == key.subject)
        };
        self.changes.iter().any(|it| same(it))
    }

    /// What has been red for long since somebody was told, or the end of what was.
    pub(super) fn again(&mut self) -> Names {
        if self.red.is_empty() {
            self.told.red = self.told.red.filter(|_| !self.flapping.is_empty());
            return Names::new();
        }
        let due = |last| {
            self.policy
                .remind_after
                .is_some_and(|after| over(self.at, last, after))
        };
        if !self.told.red.is_none_or(due) {
            return Names::new();
        }
        let red = std::mem::take(&mut self.red);
        let all: Vec<_> = red.iter().collect();
        self.tell(Reason::Reminder, &all);
        let names = red.iter().map(|(key, _)| names(key)).collect();
        self.red = red;
        names
    }

    fn tell(&mut self, reason: Reason, keys: &[&(Key, &Red)]) {
        if keys.is_empty() {
            return;
        }
        let since = keys.iter().map(|(_, red)| red.since).min();
        let said: Vec<_> = keys.iter().map(|(key, _)| plain(key)).collect();
        self.say(reason, &said, since);
        self.told.red = Some(self.at);
    }

    /// What could not be judged for too long, and what can be judged again.
    pub(super) fn blind(&mut self, standing: Option<&Standing>) {
        let stale = self.changes.iter().find_map(|it| match it {
            Change::Stale {
                unjudged_cycles,
                cause,
            } => Some(words::stale(*unjudged_cycles, cause)),
            _ => None,
        });
        let cycles = standing.map_or(0, Standing::unjudged_cycles);
        if let Some(text) = stale {
            self.whole(Reason::Stale, &text);
            self.told.stale = Some(self.at);
        } else if cycles == 0 && self.told.stale.take().is_some() && self.policy.recover {
            self.whole(
                Reason::Sighted,
                "judged again; what is red is told by itself",
            );
        } else if self.stale_for_long() {
            self.whole(
                Reason::Stale,
                &format!("still not judged, for {} now", plural(cycles, "cycle")),
            );
            self.told.stale = Some(self.at);
        }
    }

    fn stale_for_long(&self) -> bool {
        let last = self.told.stale.zip(self.policy.remind_after);
        last.is_some_and(|(last, after)| over(self.at, last, after))
    }

    fn whole(&mut self, reason: Reason, text: &str) {
        if self.meta.severity >= self.policy.minimum {
            let alert = self.alert(
                reason,
                vec![words::whole(text)],
                0,
                self.meta.severity,
                None,
            );
            self.alerts.push(alert);
        }
    }

    fn say(&mut self, reason: Reason, said: &[Said<'_>], since: Option<Stamp>) {
        let lines = said.iter().take(LINES);
        let lines = lines
            .map(|said| words::line(self.meta, reason, said))
            .collect();
        let worst = said.iter().map(|said| said.key.severity).max();
        let worst = worst.unwrap_or(self.meta.severity);
        let alert = self.alert(reason, lines, said.len() as u64, worst, since);
        self.alerts.push(alert);
    }

    fn alert(
        &self,
        reason: Reason,
        lines: Vec<Line>,
        all: u64,
        severity: Severity,
        since: Option<Stamp>,
    ) -> Alert {
        let Meta {
            id, title, runbook, ..
        } = self.meta;
        let Policy {
            rules, instance, ..
        } = self.policy;
        Alert {
            id: format!(
                "{}/{}/{}/{}",
                label(instance),
                bounded(id, 80),
                reason.name(),
                self.at.as_micros()
            ),
            reason,
            invariant: bounded(id, 80),
            title: bounded(title, 160),
            severity,
            at: self.at,
            since,
            rules: bounded(rules, NAME),
            instance: bounded(instance, NAME),
            lines,
            all,
            red: self.total,
            runbook: bounded(runbook, 1_000),
        }
    }

    fn earliest(&self, said: &[Said<'_>]) -> Option<Stamp> {
        said.iter().filter_map(|said| self.since(said)).min()
    }

    /// Since when it was red; to the second, where an older one wrote what has changed.
    fn since(&self, said: &Said<'_>) -> Option<Stamp> {
        let micros = i64::try_from(said.held_for_secs)
            .ok()?
            .checked_mul(1_000_000)?;
        let reckoned = || self.at.as_micros().checked_sub(micros);
        said.key
            .since
            .or_else(|| reckoned().map(Stamp::from_micros))
    }
}

/// Whether so much time has gone by; a clock that went back counts as long ago.
fn over(now: Stamp, last: Stamp, after: Duration) -> bool {
    let gone = now.since(last);
    gone < 0 || u128::from(gone.unsigned_abs()) >= after.as_micros()
}

fn label(text: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '-',
    };
    text.chars().take(LABEL).map(safe).collect()
}

fn names(key: &Key) -> (String, String) {
    (key.kind.clone(), key.subject.clone())
}

fn plain(key: &Key) -> Said<'_> {
    Said {
        key,
        held_for_secs: 0,
        witness: None,
        flaps: String::new(),
    }
}

fn closed(change: &Change) -> Option<Said<'_>> {
    match change {
        Change::Closed {
            key,
            held_for_secs,
            witness,
            ..
        } => Some(Said {
            key,
            held_for_secs: *held_for_secs,
            witness: Some(witness),
            flaps: String::new(),
        }),
        _ => None,
    }
}

fn dropped(change: &Change) -> Option<Said<'_>> {
    match change {
        Change::Dropped { key, held_for_secs } => Some(Said {
            key,
            held_for_secs: *held_for_secs,
            witness: None,
            flaps: String::new(),
        }),
        _ => None,
    }
}
