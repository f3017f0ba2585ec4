//! Invariants over snapshots of live systems, where what could not be judged is never green.
//!
//! A monitor goes green because a source was down, because a query found nothing, or because the check crashed: nobody looked, and nothing
//! was wrong. Here each reading is *ok*, *failed* or *not run*, each verdict says how much was looked at, and an outage neither opens an
//! alarm nor closes one. What is watched is up to you: a [`Source`] reads rows, a [`Check`] judges them, and [`judge`] is a pure
//! function of invariants, snapshot and state.
//!
//! ```
//! use runward_canary::{Check, Column, Cut, Facts, Finding, Invariant, Kind, Meta, Only, Options, Reading};
//! use runward_canary::{Severity, Snapshot, Stamp, State, Table, Tally, Tier, Value, View, judge};
//! struct Idle;
//! impl Check for Idle {
//!     fn needs(&self) -> Vec<&str> { vec!["jobs"] }
//!     fn kinds(&self) -> Vec<&str> { vec!["idle"] }
//!     fn check(&self, view: &View<'_>, tally: &mut Tally<'_>) {
//!         for row in view.table("jobs").iter().flat_map(|jobs| jobs.rows()) {
//!             tally.examined(1);
//!             let name = row.at(0).as_text().unwrap_or_default();
//!             match row.at(1).as_int() {
//!                 Some(0) => tally.found(Finding::new(name, "idle")),
//!                 _ => tally.held(name, Facts::new),
//!             }
//!         }
//!     }
//! }
//! # let words = |text: &str| text.to_owned();
//! # let meta = Meta { id: words("J-01"), title: words("Every job has a worker"), tier: Tier::A, severity: Severity::Major,
//! #     message: words("{subject} has no worker."), runbook: words("Look at the pool.") };
//! let invariants = [Invariant::new(meta, Idle)];
//! let mut jobs = Table::new([Column::new("name", Kind::Text), Column::new("workers", Kind::Int)]);
//! jobs.push([Value::text("nightly"), Value::Int(0)]);
//! let now = Stamp::from_micros(0);
//! let cut = Cut::from([("jobs".to_owned(), Reading::ok(jobs, now, now))]);
//! let cycle = judge(&invariants, &Options::default(), &Snapshot::new(now, cut), &State::default(), &Only::All);
//! assert_eq!(cycle.report.verdicts["J-01"].findings()[0].subject, "nightly");
//! ```
//!
//! # Guarantees
//!
//! * **What could not be judged is never green.** A reading that failed, a subject that could not be read, readings too far apart, a check that
//!   goes down: the verdict is *unjudged* or *errored*, what is red stays red, what is green stays green, and after three such cycles somebody
//!   is told, once.
//! * **Nothing examined is said.** A verdict has the number of elements that were looked at, by kind where the check says so; held over none is
//!   *vacuous*, and an invariant that expects more is reported when it starves. A cycle in which none of the rules' own invariants had anything
//!   to look at is *unknown*, and not green.
//! * **Green needs a witness.** A red key closes when its subject was looked at and is well, or is gone while others can be seen. Readings that
//!   are all empty close nothing.
//! * **Each subject has its own episode.** State is by invariant, kind and subject: the first opens, others join, each closes by itself, and one
//!   that gets worse is told again. At most one opening an episode; never silent from green to red.
//! * **Differences are read twice.** With `reread`, a finding fires if the same elements are wrong in both looks; a subject that could not be
//!   read again is unjudged.
//! * **It is a function.** Checks have no clock but the snapshot's and no memory but the engine's, which is keyed by generation, ends at a gap, and
//!   is kept only where the check could judge. Snapshots are files, with a digest for each credential; the same ones give the same bytes, in whichever order rows and rules come.
//! * **A part is a part.** A cycle of some invariants leaves the state of the others, and what the harness knows of itself, as it was.
//! * **It watches itself.** `canary.blind` (something is dark while other things are not), `canary.overdue`, `canary.fast` (no work was
//!   done), `canary.twin` (two watchers; for one cycle, one that is back after another stood in for it), `canary.clock`, `canary.starved`, and a word when the rules change.
//! * **One failure is one failure.** The [`Collector`] reads each source once in a stage; one that fails, panics, answers something else or lies
//!   about its time takes only its own facets with it, and those that stand on their rows.
//! * **Whoever should know is told.** [`alert`] decides it by what is red and was not told, so that a state that lost its past tells too much, never
//!   too little. An alert is written down before it is sent, sent at least once, tried again within bounds, and given up only with an error that is counted.
//!   A sink that nothing reaches for two cycles, or where something was given up, is no green until something arrives there.
//!   What comes and goes more often than the rules allow is told as that, once, and again when it is worse, or has settled.
//! * **What is kept is whole.** The [`ledger`] leaves the old state or the new one, whenever its writer is killed and also on a full disk; a second writer
//!   is noticed, and a state that cannot be read is said to be forgotten, which is not green.
//! * **What is shown is text.** [`render`] writes for terminals, programs, Prometheus and browsers; what a tenant wrote is bounded and escaped in each.
//!
//! # Limits
//!
//! * A source has to keep to its deadline by itself: there is no thread that could leave it behind.
//! * A check that examines a subject and says neither found, held nor blind says that it is gone.
//! * Readings are not one instant. Grace, `reread` and `max_skew` bound what lies between them; they cannot make it nothing.
//! * A red key that the rules do not know any more is dropped, and said; nothing can show that it became well.
//! * What is red or remembered takes room, what is green takes none; the snapshot itself is in memory as a whole.
//! * The step of a clock is seen if the snapshot has the boot id and the time since the boot; a step back also without them.
//!
//! # What it does not do
//!
//! It contacts nothing, prints nothing and starts no thread: sources are another crate's, `runward-sources`, and so are the places where alerts go.

#![forbid(unsafe_code)]

pub mod alert;
mod ask;
mod cause;
mod check;
mod collect;
mod disk;
pub mod engine;
mod error;
mod fact;
mod finding;
mod invariant;
pub mod ledger;
mod memory;
mod meta;
mod nearest;
mod plural;
mod reading;
pub mod render;
mod replay;
mod report;
pub mod rules;
mod schema;
mod secret;
mod shape;
mod snapshot;
mod snapshot_json;
mod stamp;
mod table;
mod tally;
mod value;
mod view;

pub use ask::{Ask, Context, Setting, Settings, Source};
pub use cause::{Cause, CauseKind};
pub use check::Check;
pub use collect::Collector;
pub use disk::{keep, publish, text};
pub use engine::{Cycle, Only, Options, State, judge, suspects};
pub use error::{Error, ErrorKind};
pub use fact::{Fact, Facts, bounded};
pub use finding::Finding;
pub use invariant::{Expect, Invariant, Terms, When};
pub use memory::{Memory, Since};
pub use meta::{Meta, Severity, Tier};
pub use reading::Reading;
pub use rules::Rules;
pub use secret::masked;
pub use snapshot::{Cut, Snapshot};
pub use stamp::Stamp;
pub use table::{Column, Row, Table};
pub use tally::Tally;
pub use value::{Kind, Value};
pub use view::View;

pub(crate) use engine::{
    Change, Coverage, Key, Outcome, Red, Report, Standing, Transition, Unread, Verdict, Witness,
};
