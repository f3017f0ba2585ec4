use std::borrow::Cow;
use std::time::SystemTime;

use runward_lock::Name;

use crate::Protect;

/// One object as a [`Sweep`](crate::Sweep) found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Found {
    owner: Name,
    id: String,
    mark: Mark,
    since: Option<SystemTime>,
    protected: Option<Protect>,
    detail: String,
}

/// Whether the object says itself that it was made by a run, and not by somebody who happened to choose such a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It bears the mark of ownership: a label, a file, a prefix that nobody else uses.
    Ours,
    /// It does not; what is missing. Such an object is never reaped.
    Missing(Cow<'static, str>),
}

impl Found {
    /// An object of the name that it belongs to, by an id that is unique among its kind and stays the same from listing to listing.
    pub fn new(owner: Name, id: impl Into<String>, mark: Mark) -> Self {
        Self {
            owner,
            id: id.into(),
            mark,
            since: None,
            protected: None,
            detail: String::new(),
        }
    }

    /// Since when it has been there. It is shown; it decides nothing.
    pub fn since(mut self, since: SystemTime) -> Self {
        self.since = Some(since);
        self
    }

    /// A mark that keeps it, and with it everything of its name.
    pub fn protected(mut self, protect: Protect) -> Self {
        self.protected = Some(protect);
        self
    }

    /// Whether it bears the mark of ownership.
    pub fn marked(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }

    /// What else to show of it, in one line.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The name that it belongs to: that of the lock which its run held.
    pub fn owner(&self) -> &Name {
        &self.owner
    }

    /// What its kind is called by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is ours.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Since when it has been there, if that is known.
    pub fn found_since(&self) -> Option<SystemTime> {
        self.since
    }

    /// What keeps it.
    pub fn protection(&self) -> Option<&Protect> {
        self.protected.as_ref()
    }

    /// What else is shown of it.
    pub fn shown(&self) -> &str {
        &self.detail
    }

    pub(crate) fn into_parts(self) -> (Name, String, String) {
        (self.owner, self.id, self.detail)
    }
}
