use std::time::Duration;

use runward_canary::{Error, Settings, Source};

use crate::options::{LONGEST, nearest, refusal};

type Opener = fn(&Settings, Duration) -> Result<Box<dyn Source>, Error>;

/// What there is, with what was built; the name of a kind is that of its feature.
macro_rules! opener {
    ($feature:literal, $source:path) => {{
        #[cfg(feature = $feature)]
        let opener: Option<Opener> = Some(|settings, timeout| {
            let opened = <$source>::open(settings, timeout)?;
            Ok(Box::new(opened))
        });
        #[cfg(not(feature = $feature))]
        let opener: Option<Opener> = None;
        opener
    }};
}

const KINDS: &[(&str, Option<Opener>)] = &[
    ("command", opener!("command", crate::command::Command)),
    ("docker", opener!("docker", crate::docker::Docker)),
    ("files", opener!("files", crate::files::Files)),
    (
        "flock-dir",
        opener!("flock-dir", crate::flock_dir::FlockDir),
    ),
    ("http", opener!("http", crate::http::Http)),
    ("postgres", opener!("postgres", crate::postgres::Postgres)),
    ("procfs", opener!("procfs", crate::procfs::Procfs)),
    ("redis", opener!("redis", crate::redis::Redis)),
    ("run-dirs", opener!("run-dirs", crate::run_dirs::RunDirs)),
    ("sqlite", opener!("sqlite", crate::sqlite::Sqlite)),
];

/// Makes a source of a kind, from its settings. Nobody is contacted before the first reading.
///
/// `timeout` is how long one look at it may take in all, whatever its answers; the deadline of a cycle may be earlier.
///
/// # Errors
///
/// When there is no such kind, when it was left out of this build, and when a setting is unknown, missing or of the wrong type.
/// The message names the nearest known name, and never an address with a password.
pub fn open(kind: &str, settings: &Settings, timeout: Duration) -> Result<Box<dyn Source>, Error> {
    if timeout.is_zero() || timeout > LONGEST {
        let limits = "has to be more than nothing, and an hour at most";
        return Err(refusal(format!(
            "{kind}: the timeout of {timeout:?} {limits}"
        )));
    }
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, Some(opener))) => opener(settings, timeout),
        Some((_, None)) => Err(refusal(format!(
            "source kind `{kind}` was left out of this build; build with the feature `{kind}` of runward-sources"
        ))),
        None => Err(unknown(kind)),
    }
}

/// The names of the kinds that were built.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let built = KINDS.iter().filter(|(_, opener)| opener.is_some());
    built.map(|(name, _)| *name)
}

fn unknown(kind: &str) -> Error {
    let names = KINDS.iter().map(|(name, _)| *name);
    let hint = match nearest(kind, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    refusal(format!("source kind `{kind}` is not known; {hint}"))
}
