//! Where alerts go: the sinks of the rules by stable names, and this process' own stderr.
use std::collections::BTreeMap;
use std::time::Duration;

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{Rules, Severity};
use runward_sinks::Sink;

use super::wrong;
use crate::error::Result;
use crate::terminal::{printable, say};

/// The longest that one delivery may take; a sink's own `timeout` may be shorter.
const WITHIN: Duration = Duration::from_secs(30);

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
                sink: match alert.kind() {
                    "stderr" => stderr(alert.settings())?,
                    kind => {
                        let secret = |name: &str| std::env::var(name).ok();
                        let sink = runward_sinks::open(kind, alert.settings(), &secret);
                        Some(sink.map_err(wrong)?)
                    }
                },
            };
            places.insert(free(&places, alert.kind()), place);
        }
        Ok(Self(places))
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
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

/// `webhook`, and for others of that kind `webhook-2` and so on, in the order of the file.
fn free(taken: &BTreeMap<String, Place>, kind: &str) -> String {
    let names = (2..).map(|number| format!("{kind}-{number}"));
    std::iter::once(kind.to_owned())
        .chain(names)
        .find(|name| !taken.contains_key(name))
        .unwrap_or_default()
}

fn stderr(settings: &runward_canary::Settings) -> Result<Option<Box<dyn Sink>>> {
    match settings.keys().next() {
        None => Ok(None),
        Some(key) => Err(wrong(format!(
            "the alert sink stderr has no setting {key:?}"
        ))),
    }
}

fn tell(alert: &Alert) -> Delivery {
    say(printable(&alert.headline()));
    for line in &alert.lines {
        say(printable(&format!("  {}", line.text)));
    }
    Delivery::Delivered
}
