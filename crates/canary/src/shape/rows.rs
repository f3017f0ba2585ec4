//! The rows of one facet, each looked at by itself.

use super::cell::{Trouble, Whose};
use super::common::Missing;
use super::facet::{Judged, name};
use super::filter::Filter;
use super::sieve::Sieve;
use crate::rules::FacetRule;
use crate::rules::fields::Fields;
use crate::rules::node::Result;
use crate::{Row, View};

/// Which rows are looked at, and what becomes of those of which nobody can tell.
pub(super) struct Rows {
    pub(super) of: String,
    filter: Filter,
    missing: Missing,
}

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) subject: &'a str,
    pub(super) row: Row<'a>,
    whose: Whose<'a>,
}

impl Rows {
    pub(super) fn read(fields: Fields<'_>, of: &FacetRule) -> Result<Self> {
        Ok(Self {
            filter: Filter::read(fields, of)?,
            missing: Missing::read(fields)?,
            of: name(of),
        })
    }

    /// Looks at each that is not exempt.
    pub(super) fn each<'a>(
        &'a self,
        view: &View<'a>,
        sieve: &mut Sieve<'a>,
        mut look: impl FnMut(Element<'a>, &mut Sieve<'a>) -> std::result::Result<(), Trouble<'a>>,
    ) -> Judged {
        let table = view.table(&self.of)?;
        let whose = Whose::of(table, &self.of);
        let sift = self.filter.bind(table, &self.of)?;
        for row in table.rows() {
            let subject = whose.subject(row);
            let judged = match sift.takes(row, view.taken()) {
                Ok(true) => look(
                    Element {
                        subject,
                        row,
                        whose,
                    },
                    sieve,
                ),
                Ok(false) => Ok(()),
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = judged {
                self.missing.met(sieve, subject, trouble);
            }
        }
        Ok(())
    }
}

impl<'a> Element<'a> {
    pub(super) fn id(&self) -> &'a str {
        self.whose.id(self.row)
    }
}
