//! Which keys there are.

use std::collections::BTreeSet;

use runward_canary::{Cause, Stamp};

use super::answer::Answer;
use super::wire::{Wire, cell, cells, pack};
use crate::bound::Binding;
use crate::cell::Cell;
use crate::facet::{Facet, Form, Scope};
use crate::rows::{Rows, garbled};

/// How many keys the server looks at before it answers: as much work as a short command.
const COUNT: &str = "1000";
/// More keys of one pattern than this are a mistake in the pattern.
const MOST: usize = 1_000_000;

/// A pattern with one `*`: the key, and what the star stands for.
pub(super) struct Pattern {
    text: String,
    before: usize,
    after: usize,
}

impl Pattern {
    pub(super) fn new(text: &str, facet: &Facet) -> Result<Self, String> {
        if facet.scope != Scope::Once || facet.form == Form::Stamp {
            return Err("`scan` is done once, and gives rows or a count".into());
        }
        let special = |c: char| matches!(c, '?' | '[' | ']' | '\\' | '{');
        match text.split_once('*') {
            Some((before, after)) if !after.contains('*') && !text.contains(special) => Ok(Self {
                text: text.to_owned(),
                before: before.len(),
                after: after.len(),
            }),
            _ => Err(format!(
                "`{text}` has to have one `*` and no other sign of a pattern, so that its keys have names"
            )),
        }
    }

    /// The keys, each once: a scan may name one twice.
    pub(super) fn keys(&self, wire: &mut Wire) -> Result<BTreeSet<Vec<u8>>, Cause> {
        let mut keys = BTreeSet::new();
        let mut cursor = "0".to_owned();
        loop {
            let words = ["SCAN", &cursor, "MATCH", &self.text, "COUNT", COUNT];
            let mut packed = Vec::new();
            pack(words.iter(), &mut packed);
            wire.send(&packed)?;
            for answer in wire.receive(1)? {
                cursor = page(&answer, &mut keys)?;
            }
            if cursor == "0" {
                return Ok(keys);
            }
            if keys.len() > MOST {
                return Err(garbled(format!(
                    "more than {MOST} keys are like {}",
                    self.text
                )));
            }
        }
    }

    pub(super) fn push(
        &self,
        keys: &BTreeSet<Vec<u8>>,
        rows: &mut Rows<'_>,
        read: Stamp,
    ) -> Result<(), Cause> {
        let nobody = Binding::default();
        if rows.form() == Form::Count {
            let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
            return rows.push_single(Some(Cell::Int(count)), &nobody, read);
        }
        keys.iter().try_for_each(|key| {
            let name = key.get(self.before..key.len().saturating_sub(self.after));
            rows.push(
                &[Cell::bytes(key), Cell::bytes(name.unwrap_or(key))],
                &nobody,
                read,
            )
        })
    }
}

fn page(answer: &Answer<'_>, keys: &mut BTreeSet<Vec<u8>>) -> Result<String, Cause> {
    let parts = match answer {
        Answer::List(parts) => parts.as_slice(),
        other => return cells(other).and(Err(garbled("the answer to SCAN is none"))),
    };
    let [cursor, Answer::List(found)] = parts else {
        return Err(garbled("the answer to SCAN has no keys"));
    };
    for key in found {
        match key {
            Answer::Text(bytes) => keys.insert(bytes.to_vec()),
            _ => return Err(garbled("the answer to SCAN has a key that is none")),
        };
    }
    match cell(cursor)? {
        Cell::Text(text) => Ok(text.into_owned()),
        _ => Err(garbled("the answer to SCAN has no cursor")),
    }
}
