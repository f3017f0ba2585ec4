//! Where alerts go: the sinks of the rules by stable names, and this process' own stderr.
use std::collections::BTreeMap;
use std::time::Duration;

use runward_canary::alert::{Alert, Delivery};
use runward_canary::rules::AlertRule;
use runward_canary::{Rules, Settings, Severity};
use runward_sinks::Sink;

use super::wrong;
use crate::error::Result;
use crate::terminal::{printable, say};

/// The longest that one delivery may take; a sink's own `timeout` may be shorter.
const WITHIN: Duration = Duration::from_secs(30);

/// The kind that is no sink of another crate.
pub(super) const STDERR: &str = "stderr";

/// All places of a rule set.
pub(super) struct Sinks(BTreeMap<String, Place>);

struct Place {
    minimum: Severity,
    /// None for stderr.
    sink: Option<Box<dyn Sink>>,
}

impl Sinks {
    /// Opens all; nobody is contacted, but secrets have to be there.
    pub(super) fn open(rules: &Rules) -> Result<Self> {
        let mut places = BTreeMap::new();
        for alert in rules.alerts() {
            let place = Place {
                minimum: alert.minimum(),
                sink: sink(alert, &|kind, settings| {
                    runward_sinks::open(kind, settings, &variable)
                })?,
            };
            places.insert(alert.name().to_owned(), place);
        }
        Ok(Self(places))
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Whether the rules know it still.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Delivers to the sink of that name; one that the rules do not know any more is told nothing.
    pub(super) fn deliver(&self, name: &str, alert: &Alert) -> Delivery {
        match self.0.get(name) {
            Some(place) if alert.severity >= place.minimum => match &place.sink {
                Some(sink) => sink.deliver(alert, WITHIN),
                None => tell(alert),
            },
            _ => Delivery::Skipped,
        }
    }
}

/// The variables that alerts name and that are not set; all else of them is refused as it would be when they are sent.
pub(super) fn unset(rules: &Rules) -> Result<Vec<String>> {
    let mut unset = Vec::new();
    for alert in rules.alerts() {
        let rehearse =
            |kind: &str, settings: &Settings| runward_sinks::rehearse(kind, settings, &variable);
        unset.extend(sink(alert, &rehearse)?.into_iter().flatten());
    }
    Ok(unset)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What is made of an alert's settings; nothing of this process' own stderr. What is refused is told with its place.
fn sink<T>(
    alert: &AlertRule,
    make: &dyn Fn(&str, &Settings) -> std::result::Result<T, runward_sinks::Error>,
) -> Result<Option<T>> {
    if alert.kind() == STDERR {
        return match alert.settings().keys().next() {
            None => Ok(None),
            Some(key) => {
                let why = format!("there is no setting `{key}`, only kind, name, minimum");
                Err(wrong(alert.refused(Some(key), &why)))
            }
        };
    }
    let made = make(alert.kind(), alert.settings()).map_err(|e| match e.of_setting() {
        Some("kind") => {
            let mut known = runward_sinks::KINDS.to_vec();
            known.push(STDERR);
            known.sort_unstable();
            let why = format!("there is no such kind; known: {}", known.join(", "));
            alert.refused(Some("kind"), &why)
        }
        setting => alert.refused(setting, e.why()),
    });
    made.map(Some).map_err(wrong)
}

fn tell(alert: &Alert) -> Delivery {
    say(printable(&alert.headline()));
    for line in &alert.lines {
        say(printable(&format!("  {}", line.text)));
    }
    Delivery::Delivered
}
