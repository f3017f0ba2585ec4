#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod command;
mod error;
mod file;
mod hook;
mod mail;
mod secret;
mod settings;
mod text;
mod tls;

use std::time::Duration;

pub use error::{Error, ErrorKind};
use runward_canary::Settings;
use runward_canary::alert::{Alert, Delivery};
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
    let mut taken = Taken::new(kind, settings, environment);
    let sink: Box<dyn Sink> = match kind {
        "command" => Box::new(command::Command::open(&mut taken)?),
        "email" => Box::new(mail::Mail::open(&mut taken)?),
        "file" => Box::new(file::File::open(&mut taken)?),
        "webhook" => Box::new(hook::Webhook::open(&mut taken)?),
        other => {
            let known = KINDS.join(", ");
            let message = format!("there is no kind of alert sink called {other:?}, only {known}");
            return Err(Error::setting(message));
        }
    };
    taken.done()?;
    Ok(sink)
}
