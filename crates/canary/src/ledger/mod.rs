//! What is kept from one cycle to the next, in one directory, by one writer.
//!
//! | file | what |
//! |---|---|
//! | `state.json` | state and outbox, replaced whole |
//! | `state.prev` | the one before, for when that cannot be read |
//! | `episodes.jsonl` | what opened, closed and changed: a line each, not one for each cycle |
//! | `snapshots/` | what was read in the last cycles |
//!
//! Whoever writes holds a lock that this module does not know; that it is alone is checked all the same, by the number and the digest of what it wrote last.

mod book;
mod envelope;
mod episodes;
mod shelf;
#[cfg(test)]
mod tests;

pub use book::{Ledger, Loaded, Origin};
pub use envelope::Saved;
pub use episodes::Episode;
pub use shelf::Retention;
