//! Rules that tie files together: what is changed in one of them is changed in the other, unless that rule is the one to trip.

use super::edit::{Change, Edit, Steps, follow, steps};
use super::trial::Trial;
use crate::Spec;
use crate::engine::{Bundle, select, within};
use crate::spec::check::Check;
use crate::spec::selector::Selector;

/// How many edits one change may grow to.
const MOST: usize = 64;

/// Two places that a rule holds equal.
pub(super) struct Tie {
    rule: u32,
    ends: [(u32, Steps); 2],
    ignore: Vec<Vec<String>>,
    /// What is deleted at the other end when one end is: the whole of what it is part of.
    deleted: Option<(u32, Steps)>,
}

pub(super) fn of(spec: &Spec, bundle: &Bundle) -> Vec<Tie> {
    let mut ties = Vec::new();
    for (number, rule) in (0..).zip(spec.rules()) {
        match &rule.check {
            Check::Same {
                left,
                right,
                ignore,
            } => {
                let ends = place(left, bundle).zip(place(right, bundle));
                ties.extend(ends.map(|(left, right)| Tie {
                    rule: number,
                    ends: [left, right],
                    ignore: ignore.clone(),
                    deleted: None,
                }));
            }
            Check::Project { .. } => projected(number, &rule.check, bundle, &mut ties),
            _ => {}
        }
    }
    ties
}

/// Where the one value of a selector stands.
fn place(selector: &Selector, bundle: &Bundle) -> Option<(u32, Steps)> {
    let root = bundle.json(selector.artifact).ok()?;
    let found = select(selector, bundle).ok()?;
    let value = found.values.first()?;
    Some((selector.artifact, steps(root, value)))
}

fn projected(number: u32, check: &Check, bundle: &Bundle, ties: &mut Vec<Tie>) {
    let Check::Project {
        rows,
        having,
        key,
        val,
        equals,
        ..
    } = check
    else {
        return;
    };
    let (Some((target, prefix)), Ok(found), Ok(root)) = (
        place(equals, bundle),
        select(rows, bundle),
        bundle.json(rows.artifact),
    ) else {
        return;
    };
    for row in found.values.into_iter() {
        let one = |path| within(path, row).values.first();
        let (Some(held), Some(name), Some(value)) = (one(having), one(key), one(val)) else {
            continue;
        };
        let name = name
            .string()
            .map_or_else(|| name.text().to_owned(), |text| text.into_owned());
        let member = prefix.iter().cloned().chain([name]).collect();
        ties.push(Tie {
            rule: number,
            ends: [(target, member), (rows.artifact, steps(root, value))],
            ignore: Vec::new(),
            deleted: Some((rows.artifact, steps(root, held))),
        });
    }
}

/// The edits with all that follows from them; none if they contradict each other.
pub(super) fn close(trial: &Trial<'_>, edits: Vec<Edit>, target: u32) -> Option<Vec<Edit>> {
    let mut closed: Vec<Edit> = Vec::new();
    let mut pending = edits;
    pending.reverse();
    while let Some(edit) = pending.pop() {
        if closed.contains(&edit) {
            continue;
        }
        if closed.iter().any(|other| contradicts(other, &edit)) || closed.len() >= MOST {
            return None;
        }
        for tie in trial.ties.iter().filter(|tie| tie.rule != target) {
            pending.extend(tie.carry(&edit, trial));
        }
        closed.push(edit);
    }
    Some(closed)
}

fn contradicts(a: &Edit, b: &Edit) -> bool {
    match (a, b) {
        (Edit::Json(x, p, Change::Set(u)), Edit::Json(y, q, Change::Set(v))) => {
            x == y && p == q && u != v
        }
        (Edit::Json(x, p, Change::Delete), Edit::Json(y, q, _))
        | (Edit::Json(y, q, _), Edit::Json(x, p, Change::Delete)) => {
            x == y && q.starts_with(p) && a != b
        }
        _ => false,
    }
}

impl Tie {
    /// The same change at the other end.
    fn carry(&self, edit: &Edit, trial: &Trial<'_>) -> Option<Edit> {
        let Edit::Json(artifact, path, change) = edit else {
            return None;
        };
        let [left, right] = &self.ends;
        self.across(left, right, (*artifact, path), change, trial)
            .or_else(|| self.across(right, left, (*artifact, path), change, trial))
    }

    fn across(
        &self,
        from: &(u32, Steps),
        to: &(u32, Steps),
        (artifact, path): (u32, &Steps),
        change: &Change,
        trial: &Trial<'_>,
    ) -> Option<Edit> {
        if from.0 != artifact {
            return None;
        }
        let rest = path.strip_prefix(from.1.as_slice())?;
        if self.is_ignored(rest, change) {
            return None;
        }
        if let (Change::Delete, true, Some((other, held))) =
            (change, rest.is_empty(), &self.deleted)
        {
            return (*other == to.0).then(|| Edit::Json(*other, held.clone(), Change::Delete));
        }
        let there: Steps = to.1.iter().chain(rest).cloned().collect();
        follow(trial.root(to.0)?, &there)?;
        Some(Edit::Json(to.0, there, change.clone()))
    }

    fn is_ignored(&self, rest: &[String], change: &Change) -> bool {
        let inserted = match change {
            Change::Insert(key, _) => Some(key),
            Change::Set(_) | Change::Delete => None,
        };
        let full: Vec<&String> = rest.iter().chain(inserted).collect();
        self.ignore
            .iter()
            .any(|path| full.len() >= path.len() && path.iter().zip(&full).all(|(a, b)| a == *b))
    }
}
