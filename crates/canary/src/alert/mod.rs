//! Who is told of what, and whether it arrived.
//!
//! In each cycle: [`Policy::decide`] makes alerts of what changed and arms them in the [`Outbox`]; [`Outbox::begin`] counts an attempt at each that is due;
//! state and outbox are committed in one write; [`Outbox::send`] sends; what came of it is committed.
//! Whoever dies between two steps has lost nothing, and nothing is sent twice but what had been sent and not yet noted.

mod case;
mod delivery;
mod flap;
mod message;
mod outbox;
mod policy;
#[cfg(test)]
mod tests;
mod unheard;
mod words;

pub use delivery::{Counters, Delivery};
pub use message::{Alert, Line, Reason};
pub use outbox::{Entry, Limits, Outbox, Round};
pub use policy::{News, Policy};
pub use unheard::Unheard;
pub(crate) use words::{said, secs as length};
