//! Invariants over snapshots of live systems, where what could not be judged is never green.

#![forbid(unsafe_code)]

pub mod alert;
mod ask;
mod cause;
mod check;
mod disk;
mod engine;
mod error;
mod fact;
mod finding;
mod invariant;
pub mod ledger;
mod memory;
mod meta;
mod reading;
pub mod render;
mod report;
mod schema;
mod snapshot;
mod stamp;
mod table;
mod tally;
mod value;
mod view;

pub use ask::{Ask, Context, Setting, Settings, Source};
pub use cause::{Cause, CauseKind};
pub use check::Check;
pub use disk::publish;
pub use engine::{
    Change, Coverage, Key, Outcome, Red, Standing, State, Transition, Verdict, Witness,
};
pub use error::{Error, ErrorKind};
pub use fact::{Fact, Facts, bounded};
pub use finding::Finding;
pub use invariant::{Expect, Invariant, Terms, When};
pub use memory::{Memory, Since};
pub use meta::{Meta, Severity, Tier};
pub use reading::Reading;
pub use report::{Report, Unread};
pub use snapshot::{Cut, Snapshot};
pub use stamp::Stamp;
pub use table::{Column, Row, Table};
pub use tally::Tally;
pub use value::{Kind, Value};
pub use view::View;
