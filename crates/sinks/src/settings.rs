//! Settings, each parsed once into its type; what is left over is a typo.

use std::path::PathBuf;
use std::time::Duration;

use runward_canary::rules::KindOf;
use runward_canary::{Setting, Settings};

use crate::secret::Secret;
use crate::{Error, ErrorKind};

/// How long one delivery may take, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(120);

/// The settings of one sink, of which each is taken once.
pub(crate) struct Taken<'a> {
    kind: &'a str,
    left: Settings,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Taken<'a> {
    /// Refuses the first setting that this kind does not have.
    pub(crate) fn new(
        kind: &'a KindOf,
        settings: &Settings,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let known = |name: &String| kind.settings.iter().any(|one| one.name == name);
        if let Some(name) = settings.keys().find(|name| !known(name)) {
            let names: Vec<_> = kind.settings.iter().map(|one| one.name).collect();
            let why = format!("there is no setting `{name}`, only {}", names.join(", "));
            return Err(Error::setting(kind.name, Some(name), why));
        }
        Ok(Self {
            kind: kind.name,
            left: settings.clone(),
            environment,
        })
    }

    fn take(&mut self, name: &'static str) -> Option<Setting> {
        self.left.remove(name)
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Setting::Text(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "is text, and not empty")),
        }
    }

    pub(crate) fn required(&mut self, name: &'static str) -> Result<String, Error> {
        let text = self.text(name)?;
        text.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(crate) fn list(&mut self, name: &'static str) -> Result<Vec<String>, Error> {
        let items = match self.take(name) {
            Some(Setting::List(items)) if !items.is_empty() => items,
            Some(Setting::Text(text)) if name == "argv" => vec![Setting::Text(self.program(text)?)],
            Some(one @ Setting::Text(_)) => vec![one],
            None => return Err(self.wrong(name, "is missing, which is a list of text")),
            _ => return Err(self.wrong(name, "is a list of text, with at least one item")),
        };
        let text = |item| match item {
            Setting::Text(text) => Ok(text),
            _ => Err(self.wrong(name, "is a list of text")),
        };
        items.into_iter().map(text).collect()
    }

    /// One text is a program, and nobody takes it apart.
    fn program(&self, text: String) -> Result<String, Error> {
        let words: Vec<_> = text.split_whitespace().collect();
        match words.len() {
            0 | 1 => Ok(text),
            _ => Err(self.wrong(
                "argv",
                &format!("is taken apart by no shell: write argv = {words:?}"),
            )),
        }
    }

    pub(crate) fn path(&mut self, name: &'static str) -> Result<Option<PathBuf>, Error> {
        Ok(self.text(name)?.map(PathBuf::from))
    }

    /// The limit of one delivery.
    pub(crate) fn timeout(&mut self) -> Result<Duration, Error> {
        const WANT: &str = "is a time from 1s to 120s, such as \"10s\"";
        let parsed = match self.take("timeout") {
            None => return Ok(TIMEOUT),
            Some(Setting::Text(text)) => seconds(&text),
            Some(_) => None,
        };
        let fits = |length: &Duration| (Duration::from_millis(100)..=LONGEST).contains(length);
        parsed
            .filter(fits)
            .ok_or_else(|| self.wrong("timeout", WANT))
    }

    /// A secret: out of the environment, or for trials out of the file itself.
    pub(crate) fn secret(
        &mut self,
        name: &'static str,
        from: &'static str,
    ) -> Result<Option<Secret>, Error> {
        match (self.text(name)?, self.text(from)?) {
            (Some(_), Some(_)) => Err(self.wrong(from, &format!("and {name} exclude each other"))),
            (Some(text), None) => Ok(Some(Secret::new(text))),
            (None, None) => Ok(None),
            (None, Some(variable)) => match (self.environment)(&variable) {
                Some(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
                _ => {
                    let why =
                        format!("the environment has no {variable}, which `{from}` names; set it");
                    Err(Error::about(ErrorKind::Secret, self.kind, Some(from), why))
                }
            },
        }
    }

    pub(crate) fn wrong(&self, name: &str, what: &str) -> Error {
        Error::setting(self.kind, Some(name), format!("`{name}` {what}"))
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}
