//! What containers there are, for those who only look.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::data::{self, Labels};
use crate::engine::escape;
use crate::{Engine, Error};

/// A container of the engine's node.
#[derive(Clone, Debug)]
pub struct Container {
    inner: data::Container,
}

/// What only a look at the one container tells.
#[derive(Clone, Debug)]
pub struct Inspected {
    started: Option<SystemTime>,
    environment: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    #[serde(default)]
    state: State,
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    #[serde(deserialize_with = "data::time")]
    started_at: Option<SystemTime>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    #[serde(deserialize_with = "data::null_is_default")]
    env: Vec<String>,
}

impl Engine {
    /// The same engine, of which each call may take that long.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        let mut engine = self.clone();
        engine.set_patience(patience);
        engine
    }

    /// The containers with a label (`key` or `key=value`): those that run, or all there are.
    ///
    /// # Errors
    ///
    /// When the engine cannot be asked. Nobody is then known to be gone.
    pub fn containers(&self, label: &str, all: bool) -> Result<Vec<Container>, Error> {
        let filters = serde_json::json!({ "label": [label] }).to_string();
        let path = format!(
            "/containers/json?all={}&filters={}",
            u8::from(all),
            escape(&filters)
        );
        let found: Vec<data::Container> = self.get(&path)?;
        Ok(found.into_iter().map(|inner| Container { inner }).collect())
    }

    /// A container's start, and of its environment the variables of these names alone.
    ///
    /// # Errors
    ///
    /// When the engine cannot be asked, or the container has gone: [`crate::ErrorKind::Missing`].
    pub fn inspect(&self, id: &str, variables: &[&str]) -> Result<Inspected, Error> {
        let details: Details = self.get(&format!("/containers/{}/json", escape(id)))?;
        let wanted = |line: &String| {
            let name = line.split('=').next().unwrap_or(line);
            variables.contains(&name)
        };
        let started = details.state.started_at;
        let environment = details.config.env.into_iter().filter(wanted).collect();
        Ok(Inspected {
            // The engine writes the year 1 for one that was never started.
            started: started.filter(|started| *started > SystemTime::UNIX_EPOCH),
            environment,
        })
    }
}

impl Container {
    /// Its id, all of it.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Its name, without the slash.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// `running`, `exited`, …, in the engine's words.
    pub fn state(&self) -> &str {
        &self.inner.state
    }

    /// When it was made, in seconds of the epoch.
    pub fn created(&self) -> i64 {
        self.inner.created
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let labels: &Labels = &self.inner.labels;
        labels.get(name).map(String::as_str)
    }
}

impl Inspected {
    /// When it was started last.
    pub fn started(&self) -> Option<SystemTime> {
        self.started
    }

    /// The value of a variable that was asked for.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = |line: &'_ String| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('='))
        };
        let line = self.environment.iter().find(|line| value(line))?;
        line.get(name.len() + 1..)
    }
}
