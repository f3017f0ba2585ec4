//! `absorbing`: what has come to an end stays ended.

use std::time::Duration;

use super::Shape;
use super::cell::{Whose, facts, index};
use super::common::kinds;
use super::facet::{Judged, column, facet, name};
use super::sieve::Sieve;
use crate::rules::Facets;
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::{Cause, CauseKind, Check, Fact, Kind, Memory, Row, Stamp, Tally, View};

pub(super) const SHAPE: Shape = Shape {
    name: "absorbing",
    keys: &[KEYS],
    read,
};

const KEYS: &[Key] = &[
    key("of", Form::Text),
    key("state", Form::Text),
    key("final", Form::Texts),
    key("live", Form::Texts),
    key("back", Form::Texts),
    key("memory", Form::Duration),
    key("changed", Form::Bool),
];

const REVERSED: usize = 0;
const CHANGED: usize = 1;

struct Absorbing {
    of: String,
    /// The column with the state; the facet's rows have all ended if there is none.
    state: Option<String>,
    ended: Vec<String>,
    live: Vec<String>,
    back: Vec<String>,
    memory: Duration,
    kinds: Vec<String>,
}

fn read(fields: Fields<'_>, facets: &Facets) -> Result<Box<dyn Check>> {
    let of = facet(fields, "of", facets)?;
    let state = fields
        .get("state")
        .map(|_| column(fields, "state", "", of, Kind::Text));
    let back = fields.get("back").map(Node::several).unwrap_or_default();
    let back: Vec<String> = back
        .iter()
        .map(|node| facets.need(node).map(name))
        .collect::<Result<_>>()?;
    let changed = fields.flag("changed")?;
    let ended = fields.texts("final")?;
    if state.is_some() == ended.is_empty() {
        return Err(fields.error(
            "`state` is the column, and `final` the states in it that are ends: both or neither",
        ));
    }
    if back.is_empty() && !changed {
        return Err(fields.error(
            "say with `back` where nothing may come back, or with `changed` that no end may change",
        ));
    }
    if changed && state.is_none() {
        return Err(fields.error("`changed` needs a `state`"));
    }
    let usual = ["reversed", "changed"];
    Ok(Box::new(Absorbing {
        of: name(of),
        state: state.transpose()?,
        live: fields.texts("live")?,
        memory: fields
            .duration("memory")?
            .unwrap_or(Duration::from_secs(3600)),
        kinds: kinds(fields, if changed { &usual } else { &usual[..1] })?,
        ended,
        back,
    }))
}

impl Check for Absorbing {
    fn needs(&self) -> Vec<&str> {
        std::iter::once(&self.of)
            .chain(&self.back)
            .map(String::as_str)
            .collect()
    }

    fn kinds(&self) -> Vec<&str> {
        self.kinds.iter().map(String::as_str).collect()
    }

    fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
        if let Err(cause) = self.judge(view, tally) {
            tally.unjudged(cause);
        }
    }
}

impl Absorbing {
    fn judge(&self, view: &View<'_>, tally: &mut Tally<'_>) -> Judged {
        let now = view.taken();
        let table = view.table(&self.of)?;
        let state = self
            .state
            .as_ref()
            .map(|column| index(table, &self.of, column));
        let state = state.transpose()?;
        let backs: Vec<_> = self
            .back
            .iter()
            .map(|back| view.table(back))
            .collect::<Judged<_>>()?;
        let mut sieve = Sieve::new(&self.kinds, tally.red);
        let memory = tally.memory();
        let mut reversed = Vec::new();
        // What is read now is remembered after it was compared with what was remembered: one reading is no history.
        for (facet, table) in self.back.iter().zip(backs) {
            let whose = Whose::of(table, facet);
            for row in table.rows() {
                if self.back_again(whose, row, (memory, facet, &mut sieve)) {
                    reversed.push(whose.id(row));
                }
            }
        }
        let whose = Whose::of(table, &self.of);
        for row in table.rows() {
            self.ended(whose, row, state, (memory, now, &mut sieve));
        }
        // As long as it is back, it is not forgotten: time alone makes nothing well again.
        for id in reversed {
            let before = memory.noted(id).unwrap_or_default().to_owned();
            memory.seen(id, "", now, self.memory);
            // Also after a time in which nobody could look.
            memory.note(id, before);
        }
        memory.expire(now, self.memory);
        sieve.pour(view, &self.needs(), tally);
        Ok(())
    }

    fn back_again<'a>(
        &'a self,
        whose: Whose<'a>,
        row: Row<'a>,
        (memory, facet, sieve): (&Memory, &str, &mut Sieve<'a>),
    ) -> bool {
        let (subject, id) = (whose.subject(row), whose.id(row));
        if memory.keys().next().is_none() {
            return false;
        }
        sieve.looked(subject, REVERSED);
        let Some(before) = memory.noted(id) else {
            return false;
        };
        sieve.bad(subject, REVERSED, id, 0, || {
            facts([
                ("id", Fact::id(id)),
                ("previous", Fact::id(before)),
                ("current", Fact::id(facet)),
                ("tracked", Fact::ids(self.ended.iter().map(String::as_str))),
            ])
        });
        true
    }

    fn ended<'a>(
        &'a self,
        whose: Whose<'a>,
        row: Row<'a>,
        state: Option<usize>,
        (memory, now, sieve): (&mut Memory, Stamp, &mut Sieve<'a>),
    ) {
        let (subject, id) = (whose.subject(row), whose.id(row));
        let state = match state {
            None => "ended",
            Some(column) => row.at(column).as_text().unwrap_or("(null)"),
        };
        if self.live.iter().any(|live| live == state) {
            return;
        }
        if self.state.is_some() && !self.ended.iter().any(|end| end == state) {
            let detail = format!("the state `{state}` is neither among `final` nor among `live`");
            return sieve.blind(subject, Cause::new(CauseKind::Malformed, detail));
        }
        let before = memory.noted(id).map(str::to_owned);
        memory.seen(id, "", now, self.memory);
        match before {
            Some(before) if self.kinds.len() > CHANGED => {
                sieve.looked(subject, CHANGED);
                if before != state {
                    changed(subject, id, (&before, state), sieve);
                }
                // Its first end stays what it is compared with.
                memory.note(id, before);
            }
            Some(_) => {
                sieve.well(subject);
                memory.note(id, state);
            }
            None => memory.note(id, state),
        }
    }
}

fn changed<'a>(subject: &'a str, id: &str, (before, now): (&str, &str), sieve: &mut Sieve<'a>) {
    sieve.bad(subject, CHANGED, id, 0, || {
        facts([
            ("id", Fact::id(id)),
            ("previous", Fact::id(before)),
            ("current", Fact::id(now)),
        ])
    });
}
