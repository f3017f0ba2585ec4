//! Where the alerts of `runward-canary` go: a file, a command, a webhook, e-mail.
//!
//! An alert that nobody got is worse than none, as everybody believes that there would have been one. So a delivery has an outcome, a limit of time for all of it,
//! and says *delivered* only when the other side has said so. What is to be tried again is the outbox's business, in `runward-canary`.
//!
//! ```
//! use std::time::Duration;
//!
//! use runward_canary::{Setting, Settings};
//! use runward_canary::alert::Delivery;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("alerts.jsonl");
//! let settings = Settings::from([("path".into(), Setting::Text(path.display().to_string()))]);
//! let sink = runward_sinks::open("file", &settings, &|name| std::env::var(name).ok())?;
//! # let text = r#"{"id":"h/S-01/opened/1","reason":"opened","invariant":"S-01","title":"t","severity":"major","at":"2026-05-20T12:00:00Z",
//! #   "since":null,"instance":"h","lines":[],"all":0,"red":1,"runbook":"r"}"#;
//! # let alert = runward_canary::alert::Alert::from_json(text).expect("an alert");
//! assert_eq!(sink.deliver(&alert, Duration::from_secs(5)), Delivery::Delivered);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Kinds
//!
//! | kind | settings |
//! |---|---|
//! | `file` | `path`: a line of JSON for each alert |
//! | `command` | `argv`: gets the alert as JSON on its standard input; `timeout` |
//! | `webhook` | `url_env`: the variable with the address; `format = "slack"` (blocks) or `"json"`; `ca`: a PEM file; `timeout` |
//! | `email` | `from`, `to`, `server = "smtps://host"`, `smtp://host` (STARTTLS, or nothing) or `smtp://localhost` (plain); `username`, `password_env`; `ca`; `timeout` |
//!
//! `timeout` is for a whole delivery, from `1s` to `120s`, `10s` if nothing is said; the caller may give less. For trials, `url` and `password` may stand in the settings themselves;
//! a rule set is refused with a `password`, and with a `url` that is not on this machine. `argv` is a list: no shell takes a text apart.
//!
//! # Guarantees
//!
//! * **A limit for all of it.** Connection, TLS, each byte of the dialogue and the answer together: a server that hangs, or sends one byte a second, costs `timeout` and no more. A command is killed with all of its process group, also when it ends by itself and leaves somebody behind.
//! * **The secret stays.** The webhook's address and the password are in no error, no `Debug`, and no cause; no word of an HTTP library or of an unknown server is passed on that could repeat them.
//! * **Text stays text.** What a tenant wrote becomes no link, mention, header, line or mark-up: Slack's three characters are escaped and its blocks are plain text; headers are encoded; marks that hide or turn text are shown as escapes.
//! * **Nothing is rejected for its length.** Each format's own limits are kept by cutting, never in the middle of an escape.
//! * **Where it was sent is where it arrives.** Redirects are not followed. Without TLS nothing leaves this machine, and STARTTLS is not optional.
//! * **A line of the file is whole**, beside other writers of the same kind, after a full disk, and after a writer that was killed.
//!
//! # Limits
//!
//! * Delivered is what the next hop said. A mail server may lose a mail, and a channel may be muted.
//! * At least once: who dies between the other side's word and the note of it sends it again. Each alert has an `id`, and a mail's `Message-ID` is made of it.
//! * The name of a mail server is looked up by the C library, without a limit of our own; the limit holds from the first connection. For webhooks the HTTP library looks it up in a thread, and stops to wait for it in time.
//! * A mail is for all its recipients: if the server refuses one of them, it has failed for all, and says so.
//! * Authorities are those that browsers accept, built in; others by `ca`. The host's own store is not read.
//!
//! # What it does not do
//!
//! It decides nothing: who is told of what, and when again, is `runward_canary::alert::Policy`.

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
use runward_canary::Settings;
use runward_canary::alert::{Alert, Delivery};
use runward_canary::rules::KindOf;
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
