//! What sources on this machine have in common: records with fields of fixed names, some of which are left out.

use std::borrow::Cow;

use runward_canary::{Ask, Cause, CauseKind, Context, Error, Reading};

use crate::bound::{self, Binding, Bound};
use crate::cell::Cell;
use crate::facet::{Facet, Form, Scope};
use crate::look;
use crate::rows::Rows;

/// Fields of one thing that was found, in the order of the names of their shape.
pub(crate) type Record = Vec<Cell<'static>>;

/// One facet, while things are found.
pub(crate) struct Found<'a> {
    pub(crate) rows: Rows<'a>,
    pub(crate) bound: Bound<'a>,
    count: i64,
    begun: runward_canary::Stamp,
}

impl<'a> Found<'a> {
    pub(crate) fn new(
        facet: &'a Facet,
        ask: &'a Ask,
        context: &Context<'a>,
    ) -> Result<Self, Cause> {
        let mut bound = bound::of(facet, ask, context)?;
        let rows = Rows::new(facet, ask, std::mem::take(&mut bound.gaps));
        Ok(Self {
            rows,
            bound,
            count: 0,
            begun: (context.clock)(),
        })
    }

    /// Adds a thing, for nobody or for somebody.
    pub(crate) fn push(
        &mut self,
        record: &Record,
        binding: &Binding<'_>,
        context: &Context<'_>,
    ) -> Result<(), Cause> {
        self.count += 1;
        match self.rows.is_single() {
            true => Ok(()),
            false => self.rows.push(record, binding, (context.clock)()),
        }
    }

    /// The reading; a count is of all that was found.
    pub(crate) fn done(
        mut self,
        context: &Context<'_>,
        watermark: Option<String>,
    ) -> Result<Reading, Cause> {
        if self.rows.form() == Form::Count {
            let count = Cell::Int(self.count);
            self.rows
                .push_single(Some(count), &Binding::default(), self.begun)?;
        }
        Ok(look::done(self.rows, self.begun, context, watermark))
    }
}

/// Things that are found once for all take no subjects.
pub(crate) fn once(facet: &Facet, options: &crate::options::Options<'_>) -> Result<(), Error> {
    match (&facet.scope, facet.form) {
        (Scope::Once, Form::Rows | Form::Count) => Ok(()),
        (Scope::Once, Form::Stamp) => {
            Err(options.refuse("its answers are no instant; leave `as` out"))
        }
        _ => Err(options.refuse("it is read once for all; leave `subjects` and `each` out")),
    }
}

/// Whether a directory that is not there is one with nothing in it: it is made by who first needs it.
pub(crate) fn absent_is_empty(options: &crate::options::Options<'_>) -> Result<bool, Error> {
    match options.text("absent")? {
        None => Ok(false),
        Some("empty") => Ok(true),
        Some(other) => Err(options.refuse_at("absent", format!(
            "`absent` can be \"empty\", and not `{other}`; without it, a directory that is missing is a failed reading"
        ))),
    }
}

/// Why locks could not be looked at.
#[cfg(any(feature = "flock-dir", feature = "run-dirs"))]
pub(crate) fn lock_cause(error: &runward_lock::Error) -> Cause {
    use runward_lock::ErrorKind as E;
    let kind = match error.kind() {
        E::Permission | E::NotPrivate => CauseKind::Denied,
        E::Io | E::ForeignFilesystem => CauseKind::Unreachable,
        _ => CauseKind::Garbled,
    };
    Cause::new(kind, error.to_string())
}

/// An error of a plan that was good when it was prepared.
pub(crate) fn unplanned(error: &Error) -> Cause {
    Cause::new(CauseKind::NotRun, error.to_string())
}

pub(crate) fn text(text: impl Into<String>) -> Cell<'static> {
    Cell::Text(Cow::Owned(text.into()))
}
