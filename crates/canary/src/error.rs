/// What is wrong with rules, with a snapshot or with a state that was read.
///
/// The message is a lower-case fragment, fit for "failed to …"; it names file, line, value and remedy.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    about: Option<Box<About>>,
}

/// What a source refuses, so that a rule set can say where that stands.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) source: Option<String>,
    pub(crate) facet: Option<String>,
    pub(crate) setting: Option<String>,
    /// The message without the names of these.
    pub(crate) why: String,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A rule set that cannot be used.
    Rules,
    /// A file that is no snapshot, or one of another schema.
    Snapshot,
    /// A state that is not one of ours.
    State,
    /// A source that refuses what it is asked for.
    Source,
    /// A file or a directory that cannot be read or written.
    Storage,
    /// Somebody else has written the ledger meanwhile.
    Conflict,
}

impl Error {
    /// An error of that kind, in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            kind,
            message,
            about: None,
        }
    }

    /// The same, about a setting of a facet, or of the source itself if none is named; `why` is the message without their names.
    #[must_use]
    pub fn about(mut self, facet: Option<&str>, setting: Option<&str>, why: &str) -> Self {
        self.about = Some(Box::new(About {
            source: None,
            facet: facet.map(str::to_owned),
            setting: setting.map(str::to_owned),
            why: why.to_owned(),
        }));
        self
    }

    /// The same, of the source that the rules call so.
    #[must_use]
    pub fn of_source(mut self, source: &str) -> Self {
        let why = &self.message;
        let bare = || {
            Box::new(About {
                why: why.clone(),
                ..About::default()
            })
        };
        let about = self.about.get_or_insert_with(bare);
        about.source.get_or_insert_with(|| source.to_owned());
        self
    }

    pub(crate) fn what(&self) -> Option<&About> {
        self.about.as_deref()
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
