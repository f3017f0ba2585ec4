use std::time::Duration;

use runward_canary::rules::{Described, KindOf};
use runward_canary::{Error, Setting, Settings, Source};

use crate::kinds as known;
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
        let why = format!("the timeout {limits}");
        let error = refusal(format!("{kind}: {why}, and is {timeout:?}"));
        return Err(error.about(None, Some("timeout"), &why));
    }
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, Some(opener))) => opener(settings, timeout),
        Some((_, None)) => Err(of_kind(format!(
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

/// The kinds, and what their tables and the facets of such sources have; `fields` is for all of them.
pub fn described() -> (&'static [KindOf], &'static [Described]) {
    (known::ALL, known::COMMON)
}

/// As [`open`], for whoever reads rules and asks nobody: that the variable is not set which `url_env` names is no error, but in the answer.
///
/// # Errors
///
/// As [`open`], but for a variable that is not set.
pub fn rehearse(
    kind: &str,
    settings: &Settings,
    timeout: Duration,
) -> Result<(Box<dyn Source>, Option<String>), Error> {
    let unset = match settings.get("url_env") {
        Some(Setting::Text(name)) if std::env::var_os(name).is_none() => name.clone(),
        _ => return Ok((open(kind, settings, timeout)?, None)),
    };
    let stand_in = match kind {
        "postgres" => "postgres://nobody@127.0.0.1:1/nothing",
        _ => "redis://127.0.0.1:1/0",
    };
    let mut settings = settings.clone();
    // Both together stay refused.
    if !settings.contains_key("url") {
        settings.remove("url_env");
        settings.insert("url".to_owned(), Setting::Text(stand_in.to_owned()));
    }
    Ok((open(kind, &settings, timeout)?, Some(unset)))
}

fn unknown(kind: &str) -> Error {
    let names = KINDS.iter().map(|(name, _)| *name);
    let hint = match nearest(kind, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    of_kind(format!("source kind `{kind}` is not known; {hint}"))
}

fn of_kind(why: String) -> Error {
    refusal(&*why).about(None, Some("kind"), &why)
}
