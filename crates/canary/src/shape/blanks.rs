//! What can be filled into a message: what each shape says of a subject that it found.

use crate::Kind;
use crate::nearest::hint;
use crate::rules::Facets;
use crate::rules::node::{Body, Node, Result};

/// What every message can have; `untold` where some of the subject could not be told.
pub(crate) const ALL: &[&str] = &["subject", "kind", "severity", "untold"];

/// What the shapes have beside that. Not every kind of a shape has all of it.
pub(crate) const OF: &[(&str, &[&str])] = &[
    (
        "same_ids",
        &["id", "age", "ids", "left_count", "right_count"],
    ),
    ("at_most", &["count", "limit", "by", "ids"]),
    ("exactly", &["count", "limit", "by", "ids"]),
    (
        "age_below",
        &[
            "id",
            "stamp",
            "age",
            "limit",
            "owner_until",
            "owner_overdue",
            "owner_grace",
        ],
    ),
    ("within_then", &["id", "stamp", "age", "within"]),
    (
        "decay_floor",
        &["id", "remaining", "initial", "age", "read_at", "floor"],
    ),
    ("absorbing", &["id", "previous", "current", "tracked"]),
    ("row", &["id", "pattern"]),
    ("refers", &["count", "tables", "refs"]),
    ("agree", &["left", "right"]),
    (
        "waiting_implies",
        &[
            "work",
            "heartbeat",
            "heartbeat_age",
            "grace",
            "used",
            "limit",
            "free",
        ],
    ),
    (
        "pool",
        &["size", "busy", "idle", "oldest", "polled", "silence"],
    ),
    (
        "dwell",
        &[
            "id",
            "held_for",
            "first_seen",
            "count",
            "first_count",
            "min",
        ],
    ),
    (
        "sees",
        &[
            "known",
            "cause",
            "evidence",
            "evidence_count",
            "hints_count",
            "unread",
            "confirmation",
            "blind_since",
            "blind_for",
        ],
    ),
];

/// Refuses a message with a blank that nothing fills, and a runbook with one: that is shown as it stands.
pub(crate) fn check(invariant: &Node, facets: &Facets) -> Result {
    let known = known(invariant, facets);
    let is_known = |name: &str| known.iter().any(|one| one == name);
    if let Some(node) = invariant.get("message") {
        for blank in blanks(node.text()?) {
            let Some(name) = blank else {
                return Err(node.error("a brace is not closed: write {subject}"));
            };
            if !is_known(name) {
                let hint = hint(name, known.iter().map(String::as_str));
                return Err(node.error(format!("nothing fills `{{{name}}}`{hint}")));
            }
        }
    }
    if let Some(node) = invariant.get("runbook")
        && let Some(name) = blanks(node.text()?).flatten().find(|name| is_known(name))
    {
        let message = format!(
            "a runbook is shown as it stands, and nothing fills `{{{name}}}`: say it in `message`"
        );
        return Err(node.error(message));
    }
    Ok(())
}

/// The names between braces; none for a brace that is not closed.
fn blanks(text: &str) -> impl Iterator<Item = Option<&str>> {
    let opened = text.split('{').skip(1);
    opened.map(|after| after.split_once('}').map(|(name, _)| name))
}

/// All that can be filled in, of whichever kind.
fn known(invariant: &Node, facets: &Facets) -> Vec<String> {
    let mut known: Vec<String> = ALL.iter().map(|name| (*name).to_owned()).collect();
    let arms = invariant.get("arm").map(Node::several);
    for arm in arms.unwrap_or(std::slice::from_ref(invariant)) {
        let shape = arm.get("shape").and_then(|shape| shape.text().ok());
        let of = OF.iter().find(|(name, _)| Some(*name) == shape);
        known.extend(
            of.into_iter()
                .flat_map(|(_, names)| *names)
                .map(|name| (*name).to_owned()),
        );
        if shape == Some("row") {
            known.extend(asked(arm, facets));
        }
    }
    known
}

/// The columns that the conditions of a `row` are about. Text is not shown: it may be what must not be.
fn asked(arm: &Node, facets: &Facets) -> Vec<String> {
    let of = arm.get("of").and_then(|of| of.text().ok());
    let Some(facet) = of.and_then(|of| facets.get(of)) else {
        return Vec::new();
    };
    let mut asked = Vec::new();
    for bad in arm.get("bad").map(Node::several).unwrap_or_default() {
        for key in ["column", "at", "before", "after", "same", "differs"] {
            let Some(Body::Text(name)) = bad.get(key).map(|node| &node.body) else {
                continue;
            };
            let column = facet.ask().columns.iter().find(|one| one.name() == name);
            if column.is_some_and(|column| column.kind() != Kind::Text) {
                asked.push(name.clone());
            }
        }
    }
    asked
}
