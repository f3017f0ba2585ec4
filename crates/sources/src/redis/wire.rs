//! The conversation with a server: chunks of commands out, a reply for each in.

use std::io::{self, Write as _};
use std::time::Instant;

use ::redis::{
    Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, Parser, RedisError, Value,
};
use runward_canary::{Cause, CauseKind};

use crate::cell::Cell;
use crate::look::fault;
use crate::net::{Endpoint, Line};
use crate::rows::garbled;

/// All answers of one look together.
const ROOM: usize = 512 << 20;

/// Where the server is, and how one logs in. It has no `Debug`, and no message has its password.
pub(super) struct Login {
    endpoint: Endpoint,
    info: ConnectionInfo,
}

/// A connection.
pub(super) struct Wire {
    line: Line,
    parser: Parser,
    endpoint: Endpoint,
}

impl Login {
    pub(super) fn of(url: &str) -> Option<Self> {
        let info = url.into_connection_info().ok()?;
        let endpoint = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Endpoint::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Endpoint::Unix(path.clone()),
            _ => return None,
        };
        Some(Self { endpoint, info })
    }

    pub(super) fn connect(&self, until: Instant) -> Result<Wire, Cause> {
        let endpoint = self.endpoint.clone();
        let line = endpoint.connect(until, ROOM);
        let line = line.map_err(|error| fault(format!("redis at {endpoint}"), &error))?;
        let parser = Parser::new();
        Ok(Wire {
            line,
            parser,
            endpoint,
        })
    }

    /// What has to be said first; how many replies it gets, each of which has to be good.
    pub(super) fn greet(&self, into: &mut Vec<u8>) -> usize {
        let settings = self.info.redis_settings();
        let mut count = 0;
        let mut say = |args: &[&str]| {
            let mut command = Cmd::new();
            command.arg(args);
            command.write_packed_command(into);
            count += 1;
        };
        match (settings.username(), settings.password()) {
            (Some(user), Some(password)) => say(&["AUTH", user, password]),
            (None, Some(password)) => say(&["AUTH", password]),
            _ => {}
        }
        if settings.db() != 0 {
            say(&["SELECT", &settings.db().to_string()]);
        }
        count
    }
}

impl Wire {
    pub(super) fn send(&mut self, packed: &[u8]) -> Result<(), Cause> {
        let sent = self.line.write_all(packed);
        sent.map_err(|error| fault(format!("redis at {}", self.endpoint), &error))
    }

    pub(super) fn receive(&mut self) -> Result<Value, Cause> {
        let parsed = self.parser.parse_value(&mut self.line);
        parsed.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &RedisError) -> Cause {
        let at = format!("redis at {}", self.endpoint);
        match error {
            error if error.is_timeout() => fault(at, &io::ErrorKind::TimedOut.into()),
            error if error.is_io_error() => fault(at, &io::Error::other(error.to_string())),
            _ => garbled(format!("{at}: the answer is none of Redis")),
        }
    }
}

/// A reply as one field.
///
/// # Errors
///
/// When it is an error of the server, or no single field.
pub(super) fn cell(value: &Value) -> Result<Cell<'_>, Cause> {
    match value {
        Value::Nil => Ok(Cell::Null),
        Value::Int(int) => Ok(Cell::Int(*int)),
        Value::BulkString(bytes) => Ok(Cell::bytes(bytes)),
        Value::SimpleString(text) => Ok(Cell::text(text.as_str())),
        Value::Okay => Ok(Cell::text("OK")),
        Value::ServerError(error) => Err(refused(error.code(), error.details())),
        _ => Err(garbled("a list came where one value was asked for")),
    }
}

/// A reply as several fields.
pub(super) fn cells(value: &Value) -> Result<Vec<Cell<'_>>, Cause> {
    match value {
        Value::Array(all) | Value::Set(all) => all.iter().map(cell).collect(),
        Value::ServerError(_) => cell(value).map(|cell| vec![cell]),
        _ => Err(garbled("one value came where a list was asked for")),
    }
}

/// What the server says instead of an answer. Its words may have names of ours in them, and are bounded where they are kept.
fn refused(code: &str, details: Option<&str>) -> Cause {
    let kind = match code {
        "NOAUTH" | "WRONGPASS" | "NOPERM" => CauseKind::Denied,
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" => CauseKind::Unreachable,
        _ => CauseKind::Garbled,
    };
    Cause::new(
        kind,
        format!("redis answers {code} {}", details.unwrap_or_default()),
    )
}
