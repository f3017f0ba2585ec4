#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod command;
mod error;
mod file;
mod hook;
mod kinds;
mod mail;
mod secret;
mod settings;
mod text;
mod tls;

use std::cell::RefCell;
use std::time::Duration;

pub use error::{Error, ErrorKind};
use runward_canary::alert::{Alert, Delivery};
use runward_canary::{Settings, rules::KindOf};
use settings::Taken;

/// A place where alerts go.
pub trait Sink {
    /// Delivers one alert, in at most that long. It says that it is delivered only when the other side has said so.
    fn deliver(&self, alert: &Alert, within: Duration) -> Delivery;
}

/// The kinds that [`open`] knows.
pub const KINDS: [&str; 4] = ["command", "email", "file", "webhook"];

/// Makes a sink of its settings. Nothing is contacted; secrets are read from the environment that is given.
///
/// # Errors
///
/// When the kind or a setting is unknown, a setting is missing or wrong, or a secret is not there. No message has a secret in it.
pub fn open(
    kind: &str,
    settings: &Settings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Box<dyn Sink>, Error> {
    let known = kinds::ALL.iter().find(|one| one.name == kind);
    let known = known.ok_or_else(|| {
        let why = format!("there is no such kind, only {}", KINDS.join(", "));
        Error::setting(kind, Some("kind"), why)
    })?;
    let mut taken = Taken::new(known, settings, environment)?;
    Ok(match kind {
        "command" => Box::new(command::Command::open(&mut taken)?),
        "email" => Box::new(mail::Mail::open(&mut taken)?),
        "file" => Box::new(file::File::open(&mut taken)?),
        _ => Box::new(hook::Webhook::open(&mut taken)?),
    })
}

/// The kinds, and what their tables have.
pub fn described() -> &'static [KindOf] {
    kinds::ALL
}

/// As [`open`], for whoever reads rules and sends nothing: a variable that is not set is no error, but named in the answer.
///
/// # Errors
///
/// As [`open`], but for secrets that are not there.
pub fn rehearse(
    kind: &str,
    settings: &Settings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Error> {
    let unset = RefCell::new(Vec::new());
    let stand_in = |name: &str| {
        environment(name).or_else(|| {
            unset.borrow_mut().push(name.to_owned());
            Some(STAND_IN.to_owned())
        })
    };
    open(kind, settings, &stand_in)?;
    Ok(unset.into_inner())
}

/// Fit for an address and for a password.
const STAND_IN: &str = "https://localhost/";
