//! What became of the objects of one name so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::janitor::LOCK;
use crate::plan::Row;
use crate::report::{Item, Outcome};

/// Each object that was seen under the lock, by the number of its kind and its id.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<(usize, String), Fate>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is there.
    Seen,
    /// All its steps are taken.
    Reaped,
    /// So many steps are taken, and why no more.
    Stuck(usize, String),
}

impl Tally {
    pub(crate) fn see(&mut self, kind: usize, id: &str) {
        self.0.entry((kind, id.to_owned())).or_insert(Fate::Seen);
    }

    pub(crate) fn has_seen(&self, kind: usize, id: &str) -> bool {
        self.0.contains_key(&(kind, id.to_owned()))
    }

    pub(crate) fn set(&mut self, kind: usize, id: &str, fate: Fate) {
        self.0.insert((kind, id.to_owned()), fate);
    }

    /// How things stand; if that is the same after two rounds, nothing moves.
    pub(crate) fn standing(&self) -> Vec<Fate> {
        self.0.values().cloned().collect()
    }

    pub(crate) fn has_reaped(&self) -> bool {
        self.0.values().any(|fate| *fate == Fate::Reaped)
    }

    /// The items of the rows, and then of what is in no row. `rest` is what became of those that nothing was done about.
    pub(crate) fn items(
        mut self,
        rows: &[&Row],
        kinds: &[Arc<str>],
        rest: &Outcome,
        lock: &Outcome,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        for row in rows {
            if *row.kind == *LOCK {
                items.push(Item::of(row, lock.clone()));
                continue;
            }
            let kind = kinds.iter().position(|kind| *kind == row.kind);
            let fate = kind.and_then(|kind| self.0.remove(&(kind, row.id.clone())));
            let outcome = match fate {
                Some(fate) => fate.outcome(rest),
                None if *rest == Outcome::Reaped => Outcome::Gone,
                None => rest.clone(),
            };
            items.push(Item::of(row, outcome));
        }
        let (Some(row), seen) = (rows.first(), self.0) else {
            return items;
        };
        items.extend(seen.into_iter().map(|((kind, id), fate)| Item {
            name: row.name.clone(),
            kind: Arc::clone(&kinds[kind]),
            id,
            outcome: fate.outcome(rest),
            appeared: true,
        }));
        items
    }
}

impl Fate {
    fn outcome(self, rest: &Outcome) -> Outcome {
        match self {
            Self::Reaped => Outcome::Reaped,
            // It was there, and two looks have not found it since.
            Self::Seen if *rest == Outcome::Reaped => Outcome::Gone,
            Self::Seen => rest.clone(),
            Self::Stuck(_, why) => match rest {
                Outcome::Reaped => Outcome::Reaped,
                _ => Outcome::Left(why),
            },
        }
    }
}
