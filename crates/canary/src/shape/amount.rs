//! How many of something there may be: a number, or one in a column.

use super::cell::{Joined, Trouble, int};
use super::facet::{Judged, Lookup};
use crate::rules::Facets;
use crate::rules::node::{Body, Node, Result};
use crate::{Kind, View};

pub(super) enum Amount {
    Number(i64),
    Of(Lookup),
}

impl Amount {
    /// A number, or `facet.column`.
    pub(super) fn read(node: &Node, facets: &Facets) -> Result<Self> {
        match &node.body {
            Body::Int(number) if *number < 0 => {
                Err(node.error("nothing has fewer than none: a limit is 0 or more"))
            }
            Body::Int(number) => Ok(Self::Number(*number)),
            Body::Text(text) if text.trim().parse::<i64>().is_ok() => {
                Err(node.wrong("a whole number"))
            }
            Body::Text(_) => Lookup::read(node, facets, Some(Kind::Int)).map(Self::Of),
            _ => Err(node.wrong("a whole number, or \"facet.column\" in quotes,")),
        }
    }

    pub(super) fn facet(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Of(lookup) => Some(&lookup.facet),
        }
    }

    pub(super) fn bind<'a>(&'a self, view: &View<'a>) -> Judged<Amounts<'a>> {
        Ok(match self {
            Self::Number(number) => Amounts::Number(*number),
            Self::Of(lookup) => Amounts::Of(lookup.bind(view)?, &lookup.column),
        })
    }
}

/// One whose column was found.
pub(super) enum Amounts<'a> {
    Number(i64),
    Of(Joined<'a>, &'a str),
}

impl<'a> Amounts<'a> {
    pub(super) fn of(&mut self, subject: &'a str) -> std::result::Result<i64, Trouble<'a>> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Of(joined, name) => int(joined.cell(subject)?, name),
        }
    }

    pub(super) fn subjects(&self) -> Vec<&'a str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Of(joined, _) => joined.subjects().collect(),
        }
    }
}
