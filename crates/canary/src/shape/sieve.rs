//! What a shape has found so far, by subject and kind. A good row costs nothing here but its count.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::{Trouble, facts};
use crate::{Cause, Fact, Facts, Finding, Severity, Tally, View};

pub(super) struct Sieve<'a> {
    kinds: &'a [String],
    red: &'a BTreeSet<String>,
    watched: bool,
    examined: u64,
    arms: Vec<u64>,
    bad: BTreeMap<(&'a str, usize), Bad>,
    blind: BTreeMap<&'a str, Blind>,
    good: BTreeMap<&'a str, u64>,
}

struct Bad {
    worst: i64,
    element: String,
    elements: BTreeSet<String>,
    severity: Option<Severity>,
    facts: Facts,
}

/// What could not be told of a subject: of several causes the first in order, and of how many elements.
struct Blind {
    cause: Cause,
    elements: u64,
}

impl Blind {
    fn cause(self) -> Cause {
        match self.elements.saturating_sub(1) {
            0 => self.cause,
            more => {
                let detail = format!("{} (and {more} more elements)", self.cause.detail());
                Cause::new(self.cause.kind(), detail)
            }
        }
    }
}

impl<'a> Sieve<'a> {
    pub(super) fn new(kinds: &'a [String], red: &'a BTreeSet<String>) -> Self {
        Self {
            kinds,
            red,
            watched: !red.is_empty(),
            examined: 0,
            arms: vec![0; kinds.len()],
            bad: BTreeMap::new(),
            blind: BTreeMap::new(),
            good: BTreeMap::new(),
        }
    }

    /// The subjects that are red.
    pub(super) fn red(&self) -> &'a BTreeSet<String> {
        self.red
    }

    /// An element of that subject was looked at by the arm of that kind.
    pub(super) fn looked(&mut self, subject: &'a str, kind: usize) {
        self.examined += 1;
        self.arms[kind] += 1;
        if self.watched {
            self.watch(subject);
        }
    }

    /// The subject has nothing that could be wrong.
    pub(super) fn well(&mut self, subject: &'a str) {
        if self.watched {
            self.watch(subject);
        }
    }

    /// The subject as a whole is wrong, and none of its elements more than the others.
    pub(super) fn plain(&mut self, subject: &'a str, kind: usize, facts: impl FnOnce() -> Facts) {
        let new = Bad {
            worst: 0,
            element: String::new(),
            elements: BTreeSet::new(),
            severity: None,
            facts: facts(),
        };
        self.bad.insert((subject, kind), new);
    }

    /// Adds to the facts of all that was found.
    pub(super) fn tell(&mut self, add: impl Fn(&str, &mut Facts)) {
        for ((subject, _), bad) in &mut self.bad {
            add(subject, &mut bad.facts);
            let ids = Fact::ids(bad.elements.iter().map(String::as_str));
            bad.facts.insert("ids".to_owned(), ids);
        }
    }

    /// One that was counted already was looked at by another arm as well.
    pub(super) fn also(&mut self, kind: usize) {
        self.arms[kind] += 1;
    }

    fn watch(&mut self, subject: &'a str) {
        if self.red.contains(subject) {
            *self.good.entry(subject).or_default() += 1;
        }
    }

    /// An element is wrong. Of several of one subject, the facts of the worst are kept.
    pub(super) fn bad(
        &mut self,
        subject: &'a str,
        kind: usize,
        element: &str,
        how: i64,
        facts: impl FnOnce() -> Facts,
    ) {
        let new = || Bad {
            worst: i64::MIN,
            element: String::new(),
            elements: BTreeSet::new(),
            severity: None,
            facts: Facts::new(),
        };
        let bad = self.bad.entry((subject, kind)).or_insert_with(new);
        let first = bad.elements.is_empty();
        bad.elements.insert(element.to_owned());
        if first || (how, &*bad.element) > (bad.worst, element) && how >= bad.worst {
            bad.worst = how;
            element.clone_into(&mut bad.element);
            bad.facts = facts();
        }
    }

    /// That finding is at least so bad.
    pub(super) fn severity(&mut self, subject: &'a str, kind: usize, severity: Severity) {
        if let Some(bad) = self.bad.get_mut(&(subject, kind)) {
            bad.severity = bad.severity.max(Some(severity));
        }
    }

    /// Nothing can be said of an element of that subject.
    pub(super) fn blind(&mut self, subject: &'a str, cause: Cause) {
        let new = || Blind {
            cause: cause.clone(),
            elements: 0,
        };
        let known = self.blind.entry(subject).or_insert_with(new);
        known.elements += 1;
        if cause < known.cause {
            known.cause = cause;
        }
    }

    pub(super) fn trouble(&mut self, subject: &'a str, trouble: Trouble<'_>) {
        self.blind(subject, trouble.cause());
    }

    /// Says it all: what stands on a facet that has a gap for the subject is not said.
    pub(super) fn pour(mut self, view: &View<'a>, facets: &[&str], tally: &mut Tally<'_>) {
        for facet in facets {
            let gaps = view.reading(facet).map(|reading| reading.gaps());
            for (subject, cause) in gaps.into_iter().flatten() {
                self.bad.retain(|(whose, _), _| whose != subject);
                let gap = Blind {
                    cause: cause.clone(),
                    elements: 0,
                };
                self.blind.insert(subject, gap);
            }
        }
        tally.examined(self.examined);
        for (kind, count) in self.kinds.iter().zip(&self.arms) {
            tally.arm(kind, *count);
        }
        self.say(tally);
    }

    fn say(mut self, tally: &mut Tally<'_>) {
        for (subject, count) in &self.good {
            if !self.blind.contains_key(subject) {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                tally.held(subject, || facts([("examined", Fact::Int(count))]));
            }
        }
        for (subject, blind) in self.blind {
            // What is wrong for sure is said, whatever else of the subject could not be told.
            let mut wrong = false;
            for (_, bad) in self.bad.range_mut((subject, 0)..=(subject, usize::MAX)) {
                let count = i64::try_from(blind.elements).unwrap_or(i64::MAX);
                bad.facts.insert("untold".to_owned(), Fact::Int(count));
                wrong = true;
            }
            if !wrong {
                tally.blind(subject, blind.cause());
            }
        }
        for ((subject, kind), bad) in self.bad {
            tally.found(Finding {
                subject: subject.to_owned(),
                kind: self.kinds[kind].clone(),
                severity: bad.severity,
                elements: bad.elements,
                facts: bad.facts,
            });
        }
    }
}
