//! Where a table of the rules and its keys stand: for what only its source or its sink can refuse.

use std::fmt;

use super::node::{Body, Node, Place};
use crate::Error;

/// Two rules that say the same are equal, wherever they stand.
#[derive(Clone)]
pub(super) struct Spots {
    table: Place,
    keys: Vec<(String, Place)>,
}

impl Spots {
    pub(super) fn of(node: &Node) -> Self {
        let entries = match &node.body {
            Body::Table(entries) => &**entries,
            _ => &[],
        };
        let key = |entry: &super::node::Entry| (entry.key.clone(), entry.node.place.clone());
        Self {
            table: node.place.clone(),
            keys: entries.iter().map(key).collect(),
        }
    }

    /// An error about a key of the table, or about the table if that has no such key.
    pub(super) fn error(&self, setting: Option<&str>, why: &str) -> Error {
        let key = self.keys.iter().find(|(key, _)| Some(&**key) == setting);
        key.map_or(&self.table, |(_, place)| place).error(why)
    }
}

impl PartialEq for Spots {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spots {}

impl fmt::Debug for Spots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.table.line();
        write!(f, "{line}:{column}")
    }
}
