//! Settings, each name known and each value of its type.

use std::fmt::Display;
use std::time::Duration;

use runward_canary::{Error, ErrorKind, Setting, Settings};
use strsim::osa_distance;

/// The settings of a source or of a facet, of which every name is known.
pub(crate) struct Options<'a> {
    of: String,
    settings: &'a Settings,
}

impl<'a> Options<'a> {
    /// Refuses the first name that is not among the known ones.
    pub(crate) fn new(
        of: impl Display,
        settings: &'a Settings,
        known: &[&[&str]],
    ) -> Result<Self, Error> {
        let of = of.to_string();
        let known = known.concat();
        match settings.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(unknown(&of, name, &known)),
            None => Ok(Self { of, settings }),
        }
    }

    /// An error about these settings.
    pub(crate) fn refuse(&self, why: impl Display) -> Error {
        about(&self.of, None, &why)
    }

    /// An error about one of them.
    pub(crate) fn refuse_at(&self, name: &str, why: impl Display) -> Error {
        about(&self.of, Some(name), &why)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Setting> {
        self.settings.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Setting::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.not(name, "text")),
        }
    }

    pub(crate) fn required(&self, name: &str, example: &str) -> Result<&'a str, Error> {
        let missing = || self.refuse(format!("`{name}` is missing; write {name} = {example}"));
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(missing)
    }

    pub(crate) fn int(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Setting::Int(int)) if (least..=most).contains(int) => Ok(Some(*int)),
            Some(_) => Err(self.not(name, &format!("a whole number from {least} to {most}"))),
        }
    }

    pub(crate) fn bool(&self, name: &str) -> Result<bool, Error> {
        match self.get(name) {
            None => Ok(false),
            Some(Setting::Bool(bool)) => Ok(*bool),
            Some(_) => Err(self.not(name, "true or false")),
        }
    }

    /// One text, or several.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Error> {
        let text = |setting: &'a Setting| match setting {
            Setting::Text(text) => Ok(text.as_str()),
            _ => Err(self.not(name, "text, or a list of texts")),
        };
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Setting::List(all)) => all.iter().map(text).collect(),
            Some(one) => Ok(vec![text(one)?]),
        }
    }

    /// Texts by name.
    pub(crate) fn map(&self, name: &str) -> Result<Vec<(&'a str, &'a str)>, Error> {
        let Some(setting) = self.get(name) else {
            return Ok(Vec::new());
        };
        let Setting::Map(map) = setting else {
            return Err(self.not(name, "a table of texts"));
        };
        let pair = |(key, value): (&'a String, &'a Setting)| match value {
            Setting::Text(text) => Ok((key.as_str(), text.as_str())),
            _ => Err(self.not(name, "a table of texts")),
        };
        map.iter().map(pair).collect()
    }

    fn not(&self, name: &str, kind: &str) -> Error {
        self.refuse_at(name, format!("`{name}` has to be {kind}"))
    }
}

/// An error that the rules can say the place of.
fn about(of: &str, setting: Option<&str>, why: &dyn Display) -> Error {
    let why = why.to_string();
    refusal(format!("{of}: {why}")).about(of.strip_prefix("facet "), setting, &why)
}

/// An error of a source.
pub(crate) fn refusal(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Source, message)
}

fn unknown(of: &str, name: &str, known: &[&str]) -> Error {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    about(of, Some(name), &format!("`{name}` is not known; {hint}"))
}

/// The known name that was most likely meant, if one is near.
pub(crate) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = typed.chars().count();
    let allowed = length.div_ceil(3).min(3);
    let like = known.into_iter().filter(|_| length < 100);
    let scored = like.map(|name| (osa_distance(typed, name), name));
    scored
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// The longest that anything may take at all: a limit without end is none.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);
