//! A Docker engine behind a unix socket.

mod address;
mod events;
mod http;
mod refusal;
mod version;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

pub(crate) use events::{Events, Rung};
pub(crate) use refusal::Refusal;

use crate::Error;
use http::{Answer, Failure};
use version::Version;

const PATIENCE: Duration = Duration::from_secs(30);

/// A Docker engine that listens on a unix socket.
///
/// Each call is a connection of its own, with a limit of time and of size.
#[derive(Clone, Debug)]
pub struct Engine {
    socket: PathBuf,
    version: Version,
    patience: Duration,
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, or the one at `/var/run/docker.sock`.
    ///
    /// # Errors
    ///
    /// When the variable names something else than a unix socket, when nobody answers there, or when the engine is too old.
    pub fn of_environment() -> Result<Self, Error> {
        Self::at(address::of_environment()?)
    }

    /// The engine at a socket.
    ///
    /// # Errors
    ///
    /// When nobody answers there, or the engine is too old.
    pub fn at(socket: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::within(socket, PATIENCE)
    }

    /// The engine at a socket, of which each call may take that long; 30 seconds otherwise.
    ///
    /// # Errors
    ///
    /// As for [`Engine::at`].
    pub fn within(socket: impl Into<PathBuf>, patience: Duration) -> Result<Self, Error> {
        let mut engine = Self {
            socket: socket.into(),
            version: Version::UNKNOWN,
            patience,
        };
        engine.version = version::agree(engine.get("/version")?)?;
        Ok(engine)
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Asks for something; the path is without the version.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let asked = self.asked("GET", path);
        let answer = self.call(&asked)?;
        if !(200..300).contains(&answer.status) {
            return Err(Error::refusal(&asked, &Refusal::read(&answer)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| Error::garbled(&asked, error))
    }

    /// Removes something; whether it was there.
    pub(crate) fn delete(&self, path: &str) -> Result<bool, Error> {
        let asked = self.asked("DELETE", path);
        let answer = self.call(&asked)?;
        match answer.status {
            200..300 => Ok(true),
            404 => Ok(false),
            _ => Err(Error::refusal(&asked, &Refusal::read(&answer))),
        }
    }

    /// What happens from now on, as far as the filters let it through.
    pub(crate) fn events(&self, filters: &str) -> Result<Events, Error> {
        let path = format!("/events?filters={}", escape(filters));
        let asked = self.asked("GET", &path);
        let target = self.target(&path);
        let until = Instant::now() + self.patience;
        let answering = http::open(&self.socket, "GET", &target, until)
            .map_err(|failure| asked.failed(failure))?;
        match answering.status {
            200 => Ok(Events::of(answering)),
            status => {
                let body = Vec::new();
                let refusal = Refusal::read(&Answer { status, body });
                Err(Error::refusal(&asked, &refusal))
            }
        }
    }

    fn call(&self, asked: &Asked<'_>) -> Result<Answer, Error> {
        let target = self.target(asked.path);
        let until = Instant::now() + self.patience;
        http::call(&self.socket, asked.method, &target, until)
            .map_err(|failure| asked.failed(failure))
    }

    fn target(&self, path: &str) -> String {
        format!("{}{path}", self.version)
    }

    fn asked<'a>(&'a self, method: &'a str, path: &'a str) -> Asked<'a> {
        Asked {
            method,
            path,
            socket: &self.socket,
        }
    }
}

/// A call as messages name it.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    socket: &'a Path,
}

impl Asked<'_> {
    fn failed(&self, failure: Failure) -> Error {
        match failure {
            Failure::Io(error) => Error::io(self, error),
            Failure::Garbled(why) => Error::garbled(self, why),
        }
    }
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            path,
            socket,
        } = self;
        let path = path.split('?').next().unwrap_or(path);
        write!(f, "{method} {path} at unix://{}", socket.display())
    }
}

/// Text as it may stand in a path or a query.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(byte.into());
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_in_a_name_ends_a_path_or_a_query() {
        assert_eq!(escape("a_b-c.d~9"), "a_b-c.d~9");
        assert_eq!(
            escape("a/b?c#d&e=f g\r\né"),
            "a%2Fb%3Fc%23d%26e%3Df%20g%0D%0A%C3%A9"
        );
    }
}
