use std::collections::BTreeMap;

use crate::{Cause, CauseKind, Stamp, Table};

/// What a source said of one facet, and when. There is no reading that is empty because nobody looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub(crate) outcome: Result<Table, Cause>,
    pub(crate) gaps: BTreeMap<String, Cause>,
    pub(crate) begun: Stamp,
    pub(crate) ended: Stamp,
    pub(crate) watermark: Option<String>,
}

impl Reading {
    /// Rows, of which the reading began and ended then.
    pub fn ok(table: Table, begun: Stamp, ended: Stamp) -> Self {
        Self::new(Ok(table), begun, ended)
    }

    /// The source was asked, and this came of it.
    pub fn failed(cause: Cause, begun: Stamp, ended: Stamp) -> Self {
        Self::new(Err(cause), begun, ended)
    }

    /// The source was not asked.
    pub fn not_run(why: impl AsRef<str>, at: Stamp) -> Self {
        Self::new(Err(Cause::new(CauseKind::NotRun, why)), at, at)
    }

    fn new(outcome: Result<Table, Cause>, begun: Stamp, ended: Stamp) -> Self {
        Self {
            outcome,
            gaps: BTreeMap::new(),
            begun,
            ended,
            watermark: None,
        }
    }

    /// Says that one subject could not be read; it is unjudged, the others are not.
    #[must_use]
    pub fn with_gap(mut self, subject: impl Into<String>, cause: Cause) -> Self {
        self.gaps.insert(subject.into(), cause);
        self
    }

    /// Adds how far the source itself says that it was: an offset, a version, a boot id.
    #[must_use]
    pub fn with_watermark(mut self, watermark: impl Into<String>) -> Self {
        self.watermark = Some(watermark.into());
        self
    }

    /// The rows, or why there are none.
    pub fn table(&self) -> Result<&Table, &Cause> {
        self.outcome.as_ref()
    }

    /// The subjects that could not be read, and why.
    pub fn gaps(&self) -> &BTreeMap<String, Cause> {
        &self.gaps
    }

    /// When the reading began, by the clock of the one who read.
    pub fn begun(&self) -> Stamp {
        self.begun
    }

    /// When it ended.
    pub fn ended(&self) -> Stamp {
        self.ended
    }

    /// How far the source said that it was.
    pub fn watermark(&self) -> Option<&str> {
        self.watermark.as_deref()
    }
}
