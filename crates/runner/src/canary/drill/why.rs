//! Why a drill did not pass: each reason has a name for programs and a sentence for people.
use std::fmt;

use nix::sys::signal::Signal;

use super::command::Ran;
use super::rehearse::cycles as in_words;
use super::stage::Key;

const RED_BEFORE: &str =
    "was red before anything was provoked: mend that first, or drill another subject";
const GREEN_BY_ITSELF: &str = "it was green again before it was reverted: \
    what was provoked does not last, so that the revert shows nothing";
const OWED: &str = "it is owed, and the next drill tries it again";
const GONE: &str = "is gone, and was there before: it was removed, and not mended";

/// A vacuous drill looks like one that passed, unless each of these is told apart.
#[derive(Clone, Debug)]
pub(super) enum Why {
    NotRun(&'static str),
    Ended(Signal),
    RedBefore(Key),
    UnjudgedBefore(String),
    Provoke(Ran),
    NotRed {
        cycles: u64,
        unjudged: String,
    },
    /// Its invariant turned red, in another kind or for another subject.
    Otherwise(Key),
    /// Something else turned red.
    Also(Key),
    GreenByItself,
    /// Red in what is remembered alone: nobody saw it last until the revert.
    UnjudgedBeforeRevert(String),
    Revert(Ran),
    NotGreen {
        cycles: u64,
        unjudged: String,
    },
    Gone(Key),
    System(String),
}

impl Why {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::NotRun(_) => "not-run",
            Self::Ended(_) => "ended",
            Self::RedBefore(_) => "red-before",
            Self::UnjudgedBefore(_) => "unjudged-before",
            Self::Provoke(_) => "provoke-failed",
            Self::NotRed { .. } => "not-red",
            Self::Otherwise(_) => "red-otherwise",
            Self::Also(_) => "also-red",
            Self::GreenByItself => "green-by-itself",
            Self::UnjudgedBeforeRevert(_) => "unjudged-before-revert",
            Self::Revert(_) => "revert-failed",
            Self::NotGreen { .. } => "not-green",
            Self::Gone(_) => "gone",
            Self::System(_) => "system",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun(why) => write!(f, "it was not run: {why}"),
            Self::Ended(signal) => write!(f, "it was ended by {signal}"),
            Self::RedBefore(key) => write!(f, "{key} {RED_BEFORE}"),
            Self::UnjudgedBefore(why) => {
                write!(f, "it could not be judged before it was provoked: {why}")
            }
            Self::Provoke(ran) => write!(f, "the command that provokes failed: {ran}"),
            Self::NotRed { cycles, unjudged } => {
                let after = in_words(*cycles);
                write!(f, "it was not red after {after}{unjudged}")
            }
            Self::Otherwise(found) => write!(f, "it turned red otherwise than named: {found}"),
            Self::Also(key) => write!(f, "{key} turned red as well"),
            Self::GreenByItself => f.write_str(GREEN_BY_ITSELF),
            Self::UnjudgedBeforeRevert(why) => write!(
                f,
                "it was not seen red again before it was reverted, so that the revert shows nothing: {why}"
            ),
            Self::Revert(ran) => write!(f, "the command that reverts failed: {ran}; {OWED}"),
            Self::NotGreen { cycles, unjudged } => {
                let within = in_words(*cycles);
                write!(
                    f,
                    "it was not seen to be well again within {within}{unjudged}"
                )
            }
            Self::Gone(key) => write!(f, "{} {GONE}", key.subject),
            Self::System(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.said.is_empty() {
            true => f.write_str(&self.ended),
            false => write!(f, "{}: {}", self.ended, self.said),
        }
    }
}
