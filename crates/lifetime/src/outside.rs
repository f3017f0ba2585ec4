//! Where news from outside comes from, for whoever holds the tree or finishes the run.

use crate::{
    guards::{Guards, Occurrence},
    link::{Link, Received, Request},
    wait,
};

pub(crate) enum Outside<'a> {
    /// The guardian hears of it from the owner.
    Owner { link: &'a Link, gone: bool },
    /// The owner, holding the tree itself, sees it itself.
    Guards(&'a mut Guards),
}

/// One piece of it.
pub(crate) enum News {
    Occurred(Occurrence),
    /// The owner has told all that it has heard.
    HeardOut,
    /// The owner is dead.
    Gone,
}

impl Outside<'_> {
    /// What to wait for; none where nothing will come.
    pub(crate) fn on(&self) -> Option<wait::On<'_>> {
        match self {
            Outside::Owner { gone: true, .. } => None,
            Outside::Owner { link, .. } => Some(wait::readable(*link)),
            Outside::Guards(guards) => Some(wait::readable(*guards)),
        }
    }

    /// The next piece, without waiting for one.
    pub(crate) fn next(&mut self) -> Option<News> {
        match self {
            Outside::Guards(guards) => guards.next().map(News::Occurred),
            Outside::Owner { gone: true, .. } => None,
            Outside::Owner { link, gone } => told(link).inspect(|news| {
                *gone = matches!(news, News::Gone);
            }),
        }
    }
}

fn told(link: &Link) -> Option<News> {
    loop {
        match link.receive() {
            Received::Message(Request::Occurred(occurrence), _) => {
                return Some(News::Occurred(occurrence));
            }
            Received::Message(Request::Nothing, _) => return Some(News::HeardOut),
            Received::Message(Request::Start, _) => {}
            Received::Nothing => return None,
            Received::End => return Some(News::Gone),
        }
    }
}
