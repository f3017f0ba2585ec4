/// Why a sink cannot be made of its settings.
///
/// The message is a lower-case fragment that names the setting and the remedy, and never has a secret in it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    setting: Option<String>,
    /// The message without the kind of the sink.
    why: String,
}

/// The case of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting that is unknown, missing, or not what it has to be.
    Setting,
    /// A secret that is not where it should be.
    Secret,
    /// A file that cannot be used.
    File,
}

impl Error {
    pub(crate) fn setting(sink: &str, setting: Option<&str>, why: String) -> Self {
        Self::about(ErrorKind::Setting, sink, setting, why)
    }

    pub(crate) fn about(kind: ErrorKind, sink: &str, setting: Option<&str>, why: String) -> Self {
        Self {
            message: format!("the alert sink {sink}: {why}"),
            setting: setting.map(str::to_owned),
            kind,
            why,
        }
    }

    /// About the certificates that `ca` names.
    pub(crate) fn certificates(why: String) -> Self {
        Self {
            kind: ErrorKind::File,
            setting: Some("ca".to_owned()),
            message: why.clone(),
            why,
        }
    }

    /// The setting that it is about, if it is about one.
    pub fn of_setting(&self) -> Option<&str> {
        self.setting.as_deref()
    }

    /// The message without the kind of the sink, for whoever names it by its place in the rules.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The case.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
