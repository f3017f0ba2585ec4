use std::{collections::BTreeSet, fmt};

use crate::inventory::{Inventory, Object};

/// What a teardown has done.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) removed: Vec<Object>,
    pub(super) left: Vec<String>,
    notes: BTreeSet<String>,
}

impl Report {
    /// Whether nothing is left that could be seen, looked for twice.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty()
    }

    /// What was removed, in that order.
    pub fn removed(&self) -> &[Object] {
        &self.removed
    }

    /// What is left and why, in the engine's own words.
    pub fn left(&self) -> &[String] {
        &self.left
    }

    /// What may belong to the stack and was left alone, as [`Inventory::notes`] has it.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    pub(super) fn note(&mut self, inventory: &Inventory) {
        self.notes.extend(inventory.notes().map(str::to_owned));
    }

    /// What is there after all and has no reason yet.
    pub(super) fn leave(&mut self, inventory: &Inventory) {
        if self.left.is_empty() {
            let objects = inventory.objects().iter();
            self.left
                .extend(objects.map(|object| format!("{object} is there again")));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects removed", self.removed.len())?;
        for left in &self.left {
            write!(f, "; left: {left}")?;
        }
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        Ok(())
    }
}
