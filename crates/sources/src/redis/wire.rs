//! The conversation with a server: chunks of commands out, a reply for each in.

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};
use runward_canary::{Cause, CauseKind};

use super::answer::{self, Answer, Extent, Malformed};
use crate::cell::Cell;
use crate::look::fault;
use crate::net::{Endpoint, Line};
use crate::rows::garbled;

/// All answers of one look together.
const ROOM: usize = 512 << 20;
/// How much is taken from the kernel at a time.
const PIECE: usize = 64 << 10;

/// Where the server is, and how one logs in. It has no `Debug`, and no message has its password.
pub(super) struct Login {
    pub(super) endpoint: Endpoint,
    pub(super) info: Info,
    to: ConnectionInfo,
}

/// Whether the server is asked what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Info {
    Asked,
    /// It does not matter whether it is a replica without a master.
    Waived,
}

/// A connection.
pub(super) struct Wire {
    line: Line,
    /// What has come, and how far it was read.
    come: Vec<u8>,
    read: usize,
    endpoint: Endpoint,
}

impl Login {
    pub(super) fn of(url: &str, info: Info) -> Option<Self> {
        let to = url.into_connection_info().ok()?;
        let endpoint = match to.addr() {
            ConnectionAddr::Tcp(host, port) => Endpoint::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Endpoint::Unix(path.clone()),
            _ => return None,
        };
        Some(Self { endpoint, info, to })
    }

    /// As whom one logs in.
    pub(super) fn user(&self) -> &str {
        self.to.redis_settings().username().unwrap_or("default")
    }

    pub(super) fn connect(&self, until: Instant) -> Result<Wire, Cause> {
        let endpoint = self.endpoint.clone();
        let line = endpoint.connect(until, ROOM);
        let line = line.map_err(|error| fault(format!("redis at {endpoint}"), &error))?;
        Ok(Wire {
            line,
            come: Vec::new(),
            read: 0,
            endpoint,
        })
    }

    /// What has to be said first; how many replies it gets, each of which has to be good.
    pub(super) fn greet(&self, into: &mut Vec<u8>) -> usize {
        let settings = self.to.redis_settings();
        let mut count = 0;
        let mut say = |args: &[&str]| {
            pack(args.iter(), into);
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

    /// The next answers.
    pub(super) fn receive(&mut self, answers: usize) -> Result<Vec<Answer<'_>>, Cause> {
        let mut extent = Extent::new(answers);
        let length = loop {
            let come = self.come.get(self.read..).unwrap_or_default();
            match extent.within(come).map_err(|Malformed| self.malformed())? {
                Some(length) => break length,
                None => self.more()?,
            }
        };
        let begin = self.read;
        self.read += length;
        let come = self.come.get(begin..self.read).unwrap_or_default();
        answer::read(come, answers).map_err(|Malformed| self.malformed())
    }

    /// Waits for more; what was read is let go.
    fn more(&mut self) -> Result<(), Cause> {
        self.come.drain(..self.read);
        self.read = 0;
        let known = self.come.len();
        self.come.resize(known + PIECE, 0);
        let into = self.come.get_mut(known..).unwrap_or_default();
        let come = some(&mut self.line, into);
        self.come.truncate(known + *come.as_ref().unwrap_or(&0));
        come.map(drop)
            .map_err(|error| fault(format!("redis at {}", self.endpoint), &error))
    }

    fn malformed(&self) -> Cause {
        garbled(format!(
            "redis at {}: the answer is none of Redis",
            self.endpoint
        ))
    }
}

fn some(line: &mut Line, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match line.read(into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            come => return come,
        }
    }
}

/// Appends a command as it goes over the wire; each word with its length in front.
pub(super) fn pack<W: AsRef<str>>(words: impl ExactSizeIterator<Item = W>, into: &mut Vec<u8>) {
    head(b'*', words.len(), into);
    for word in words {
        pack_word(word.as_ref(), into);
    }
}

pub(super) fn pack_word(word: &str, into: &mut Vec<u8>) {
    head(b'$', word.len(), into);
    into.extend_from_slice(word.as_bytes());
    into.extend_from_slice(b"\r\n");
}

/// A sign, and how much follows.
pub(super) fn head(sign: u8, length: usize, into: &mut Vec<u8>) {
    into.push(sign);
    let begin = into.len();
    let mut left = length;
    loop {
        into.push(b'0' + u8::try_from(left % 10).unwrap_or_default());
        left /= 10;
        if left == 0 {
            break;
        }
    }
    into.get_mut(begin..).unwrap_or_default().reverse();
    into.extend_from_slice(b"\r\n");
}

/// An answer as one field.
///
/// # Errors
///
/// When it is an error of the server, or no single field.
pub(super) fn cell<'a>(answer: &Answer<'a>) -> Result<Cell<'a>, Cause> {
    match answer {
        Answer::Nil => Ok(Cell::Null),
        Answer::Int(int) => Ok(Cell::Int(*int)),
        Answer::Text(bytes) => Ok(Cell::bytes(bytes)),
        Answer::Refused(words) => Err(refused(&String::from_utf8_lossy(words))),
        Answer::List(_) => Err(garbled("a list came where one value was asked for")),
    }
}

/// An answer as several fields.
pub(super) fn cells<'a>(answer: &Answer<'a>) -> Result<Vec<Cell<'a>>, Cause> {
    match answer {
        Answer::List(all) => all.iter().map(cell).collect(),
        Answer::Refused(_) => cell(answer).map(|cell| vec![cell]),
        _ => Err(garbled("one value came where a list was asked for")),
    }
}

/// What the server says instead of an answer. Its words may have names of ours in them, and are bounded where they are kept.
fn refused(words: &str) -> Cause {
    let code = words.split(' ').next().unwrap_or_default();
    let kind = match code {
        "NOAUTH" | "WRONGPASS" | "NOPERM" => CauseKind::Denied,
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" => CauseKind::Unreachable,
        _ => CauseKind::Garbled,
    };
    Cause::new(kind, format!("redis answers {words}"))
}
