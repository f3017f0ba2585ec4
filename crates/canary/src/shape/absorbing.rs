//! `absorbing`: what has come to an end stays ended.

use std::time::Duration;

use super::cell::{Trouble, Whose, facts, index};
use super::common::kinds;
use super::facet::{Judged, column, facet, name, need_column};
use super::judge::Judge;
use super::sieve::Sieve;
use super::{Shape, remembered};
use crate::rules::fields::{Fields, Form, Key, key};
use crate::rules::node::{Node, Result};
use crate::rules::{FacetRule, Facets};
use crate::{Cause, CauseKind, Check, Fact, Kind, Memory, Row, Stamp, Table, View};

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
    key("generation", Form::Text),
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
    /// The column that tells one bearer of an id from the next, in this facet and in those of `back`.
    generation: Option<String>,
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
    let back: Vec<&FacetRule> = back
        .iter()
        .map(|node| facets.need(node))
        .collect::<Result<_>>()?;
    let generation = fields.get("generation").map(|node| {
        for facet in back.iter().chain([&of]) {
            need_column(node, facet, node.text()?, None)?;
        }
        Ok(node.text()?.to_owned())
    });
    let changed = fields.flag("changed")?;
    let ended = fields.texts("final")?;
    possible(fields)?;
    let usual = ["reversed", "changed"];
    Ok(Box::new(Absorbing {
        of: name(of),
        state: state.transpose()?,
        live: fields.texts("live")?,
        memory: fields
            .duration("memory")?
            .unwrap_or(Duration::from_secs(3600)),
        kinds: kinds(fields, if changed { &usual } else { &usual[..1] })?,
        generation: generation.transpose()?,
        back: back.into_iter().map(name).collect(),
        ended,
    }))
}

impl Judge for Absorbing {
    fn facets(&self) -> Vec<&str> {
        std::iter::once(&self.of)
            .chain(&self.back)
            .map(String::as_str)
            .collect()
    }

    fn names(&self) -> &[String] {
        &self.kinds
    }

    fn judge<'a>(&'a self, view: &View<'a>, memory: &mut Memory, sieve: &mut Sieve<'a>) -> Judged {
        let now = view.taken();
        let of = self.named(&self.of, view)?;
        let state = self
            .state
            .as_ref()
            .map(|column| index(of.table, &self.of, column));
        let state = state.transpose()?;
        let backs = self.back.iter().map(|back| self.named(back, view));
        let backs: Vec<Named<'_>> = backs.collect::<Judged<_>>()?;
        let mut reversed = Vec::new();
        // What is read now is remembered after it was compared with what was remembered: one reading is no history.
        for back in &backs {
            for row in back.table.rows() {
                match self.back_again(back, row, (memory, sieve)) {
                    Ok(found) => reversed.extend(found),
                    Err(trouble) => sieve.trouble(back.whose.subject(row), trouble),
                }
            }
        }
        for row in of.table.rows() {
            if let Err(trouble) = self.ended(&of, row, state, (memory, now, sieve)) {
                sieve.trouble(of.whose.subject(row), trouble);
            }
        }
        // As long as it is back, it is not forgotten: time alone makes nothing well again.
        for key in reversed {
            let before = memory.noted(&key).unwrap_or_default().to_owned();
            memory.seen(&key, "", now, self.memory);
            // Also after a time in which nobody could look.
            memory.note(&key, before);
        }
        memory.expire(now, self.memory);
        Ok(())
    }
}

/// Refuses what could never be found.
fn possible(fields: Fields<'_>) -> Result {
    let [state, ends, back] = ["state", "final", "back"].map(|key| {
        let node = fields.get(key);
        node.is_some_and(|node| !node.several().is_empty())
    });
    let live = fields.texts("live")?;
    if let Some(both) = fields.texts("final")?.iter().find(|end| live.contains(end)) {
        return Err(fields.error(format!("`{both}` is both an end and alive")));
    }
    let changed = fields.flag("changed")?;
    let wrong = match (state == ends, back || changed, state || !changed) {
        (false, ..) => {
            "`state` is the column, and `final` the states in it that are ends: both or neither"
        }
        (_, false, _) => {
            "say with `back` where nothing may come back, or with `changed` that no end may change"
        }
        (.., false) => "`changed` needs a `state`",
        _ => return Ok(()),
    };
    Err(fields.error(wrong))
}

/// One facet, as far as it matters what is remembered of its rows.
struct Named<'a> {
    facet: &'a str,
    table: &'a Table,
    whose: Whose<'a>,
    generation: Option<(usize, &'a str)>,
}

impl<'a> Named<'a> {
    /// Under what a row is remembered.
    fn key(&self, row: Row<'a>) -> std::result::Result<String, Trouble<'a>> {
        let (subject, id) = (self.whose.subject(row), self.whose.id(row));
        Ok(match self.generation {
            None => remembered::key([subject, id]),
            Some((column, name)) => {
                let generation = remembered::generation(row.at(column), name)?;
                remembered::key([subject, id, &generation])
            }
        })
    }
}

impl Absorbing {
    fn named<'a>(&'a self, facet: &'a str, view: &View<'a>) -> Judged<Named<'a>> {
        let table = view.table(facet)?;
        let generation = self.generation.as_deref();
        let generation = generation.map(|name| Ok((index(table, facet, name)?, name)));
        Ok(Named {
            facet,
            table,
            whose: Whose::of(table, facet),
            generation: generation.transpose()?,
        })
    }

    /// The key of a row that had ended and is back.
    fn back_again<'a>(
        &'a self,
        back: &Named<'a>,
        row: Row<'a>,
        (memory, sieve): (&Memory, &mut Sieve<'a>),
    ) -> std::result::Result<Option<String>, Trouble<'a>> {
        let (subject, id) = (back.whose.subject(row), back.whose.id(row));
        if memory.is_empty() {
            return Ok(None);
        }
        let key = back.key(row)?;
        sieve.looked(subject, REVERSED);
        let Some(before) = memory.noted(&key) else {
            return Ok(None);
        };
        sieve.bad(subject, REVERSED, id, 0, || {
            facts([
                ("id", Fact::id(id)),
                ("previous", Fact::id(before)),
                ("current", Fact::id(back.facet)),
                ("tracked", Fact::ids(self.ended.iter().map(String::as_str))),
            ])
        });
        Ok(Some(key))
    }

    fn ended<'a>(
        &'a self,
        of: &Named<'a>,
        row: Row<'a>,
        state: Option<usize>,
        (memory, now, sieve): (&mut Memory, Stamp, &mut Sieve<'a>),
    ) -> std::result::Result<(), Trouble<'a>> {
        let (subject, id) = (of.whose.subject(row), of.whose.id(row));
        let state = match state {
            None => "ended",
            Some(column) => row.at(column).as_text().unwrap_or("(null)"),
        };
        if self.live.iter().any(|live| live == state) {
            return Ok(());
        }
        if self.state.is_some() && !self.ended.iter().any(|end| end == state) {
            let detail = format!("the state `{state}` is neither among `final` nor among `live`");
            sieve.blind(subject, Cause::new(CauseKind::Malformed, detail));
            return Ok(());
        }
        let key = of.key(row)?;
        let before = memory.noted(&key).map(str::to_owned);
        memory.seen(&key, "", now, self.memory);
        match before {
            Some(before) if self.kinds.len() > CHANGED => {
                sieve.looked(subject, CHANGED);
                if before != state {
                    changed(subject, id, (&before, state), sieve);
                }
                // Its first end stays what it is compared with.
                memory.note(&key, before);
            }
            Some(_) => {
                sieve.well(subject);
                memory.note(&key, state);
            }
            None => memory.note(&key, state),
        }
        Ok(())
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
