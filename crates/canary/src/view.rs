use crate::{Cause, CauseKind, Cut, Reading, Stamp, Table};

/// What a check sees: one look, and when the cycle began.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    cut: &'a Cut,
    under: Option<&'a Cut>,
    taken: Stamp,
    boot: Option<&'a str>,
}

impl<'a> View<'a> {
    /// A look, of a cycle that began then.
    pub fn new(cut: &'a Cut, taken: Stamp, boot: Option<&'a str>) -> Self {
        let under = None;
        Self {
            cut,
            under,
            taken,
            boot,
        }
    }

    /// A look that was limited to what had to be seen again: what is not in it is as it was in the first.
    pub(crate) fn over(mut self, first: &'a Cut) -> Self {
        self.under = Some(first);
        self
    }

    /// When the cycle began: the only time there is for a check, but for the instants of the readings.
    pub fn taken(&self) -> Stamp {
        self.taken
    }

    /// The boot id of the host that looked.
    pub fn boot(&self) -> Option<&'a str> {
        self.boot
    }

    /// The reading of a facet.
    ///
    /// # Errors
    ///
    /// When nobody asked for it.
    pub fn reading(&self, facet: &str) -> Result<&'a Reading, Cause> {
        let none = || Cause::new(CauseKind::NotRun, format!("{facet} was not asked for"));
        let first = || self.under?.get(facet);
        self.cut.get(facet).or_else(first).ok_or_else(none)
    }

    /// The rows of a facet.
    ///
    /// # Errors
    ///
    /// Why it was not read.
    pub fn table(&self, facet: &str) -> Result<&'a Table, Cause> {
        self.reading(facet)?
            .table()
            .map_err(|cause| Cause::new(cause.kind(), format!("{facet}: {}", cause.detail())))
    }
}
