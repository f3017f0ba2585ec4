use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::{Column, Cut, Error, Reading, Stamp, Value};

/// What a rule set says of a facet beside its name and columns: for the source alone to understand.
pub type Settings = BTreeMap<String, Setting>;

/// One value of [`Settings`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// Several.
    List(Vec<Setting>),
    /// By name.
    Map(Settings),
}

/// What a source is asked for: one facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The facet's name.
    pub facet: String,
    /// The columns that the answer must have, in this order.
    pub columns: Vec<Column>,
    /// What else the rule set says of it.
    pub settings: Settings,
    /// For these subjects alone, in a second look; all if none. A facet without a column that says whose its rows are is read whole.
    pub only: Option<BTreeSet<String>>,
}

impl Ask {
    /// The facets that have to be read before this one: those of which it has one answer for each `subjects`, or for `each` row.
    pub fn after(&self) -> Vec<&str> {
        let mut after = Vec::new();
        for name in ["subjects", "each"] {
            if let Some(Setting::Text(facet)) = self.settings.get(name) {
                after.push(facet.as_str());
            }
        }
        after
    }
}

/// What a source may know while it reads.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What has been read before in this look: a facet that is asked for each row of another finds it here.
    pub cut: &'a Cut,
    /// When the answer has to be there; after it, it is a timeout.
    pub deadline: Instant,
    /// The clock by which readings are stamped.
    pub clock: &'a dyn Fn() -> Stamp,
}

/// Something that can be read: a database, a table of processes, a directory, a program.
pub trait Source {
    /// Looks at what it will be asked for, once, before the first cycle, and refuses what it does not understand. Nothing is contacted.
    ///
    /// # Errors
    ///
    /// When a setting is unknown, missing, or of the wrong type; the message names the nearest known name.
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error>;

    /// Reads all that is asked for together, so that it takes few round trips: one reading for each ask, in their order.
    ///
    /// It keeps to the deadline by itself, and does not fail: what cannot be read is a [`Reading::failed`].
    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading>;

    /// Whether its answers cross a network, so that none of them comes in no time. If all do, nothing is really asked.
    fn remote(&self) -> bool {
        false
    }
}

impl Context<'_> {
    /// The values of a column of a facet that was read before, each once, in order.
    ///
    /// # Errors
    ///
    /// Why that facet was not read.
    pub fn values(&self, facet: &str, column: &str) -> Result<BTreeSet<&Value>, String> {
        let reading = self
            .cut
            .get(facet)
            .ok_or_else(|| format!("{facet} was not read before"))?;
        let table = reading
            .table()
            .map_err(|cause| format!("{facet}: {cause}"))?;
        let index = table
            .index(column)
            .ok_or_else(|| format!("{facet} has no column {column}"))?;
        Ok(table.rows().map(|row| row.at(index)).collect())
    }
}
