//! A connection over which one thing is asked after the other, each with values that are bound.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend;
use runward_canary::{Cause, CauseKind};

use crate::postgres::address::Address;
use crate::postgres::wire::{Wire, refused};
use crate::rows::garbled;

/// As for what is read: neither side may wait for the other to read.
const BYTES: usize = 32 << 10;
const BINDS: usize = 256;

/// What is bound. It goes over as it is, so that no text ends anything, and what is kept does not depend on the encoding of the database.
#[derive(Clone, Copy)]
pub(super) enum Param<'a> {
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// A row of an answer, as the server sends it in binary.
pub(super) type Row = Vec<Option<Vec<u8>>>;

/// Rows, and what was done: `UPDATE 1`.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    pub(super) tag: String,
}

/// A connection that is logged in, each call of which has a limit of time.
pub(super) struct Session {
    wire: Wire,
    timeout: Duration,
}

impl Session {
    /// Logs in, under a name that others see beside what it holds.
    pub(super) fn open(address: &Address, timeout: Duration, name: &str) -> Result<Self, Cause> {
        let mut wire = Wire::open(address, Instant::now() + timeout)?;
        wire.keep_alive()?;
        let mut session = Self { wire, timeout };
        let seen: String = name.chars().map(ascii).collect();
        let limit = millis(timeout);
        // Whoever dies with its machine is let go of after a minute, and whoever stands still in a transaction in time.
        let settings = [
            ("application_name", seen.as_str()),
            ("idle_in_transaction_session_timeout", &limit),
            ("tcp_keepalives_idle", "30"),
            ("tcp_keepalives_interval", "10"),
            ("tcp_keepalives_count", "3"),
        ];
        session.set(&settings)?;
        session.patience(timeout)?;
        Ok(session)
    }

    /// How long the server may work at one statement, or wait for a lock: then it gives up by itself, whether we are there or not.
    pub(super) fn patience(&mut self, length: Duration) -> Result<(), Cause> {
        let (lock, statement) = (millis(length), millis(length + Duration::from_secs(1)));
        self.set(&[("lock_timeout", &lock), ("statement_timeout", &statement)])
    }

    fn set(&mut self, settings: &[(&str, &str)]) -> Result<(), Cause> {
        let (mut calls, mut params) = (Vec::new(), Vec::new());
        for (name, value) in settings {
            params.extend([Param::Text(name), Param::Text(value)]);
            let (name, value) = (params.len() - 1, params.len());
            calls.push(format!(
                "pg_catalog.set_config(${name}::text, ${value}::text, false)"
            ));
        }
        let text = format!("SELECT {}", calls.join(", "));
        self.ask(&text, &params).map(drop)
    }

    /// Begins a call, which has to be over in time; `more` beside what it usually has.
    pub(super) fn begin(&mut self, more: Duration) {
        self.wire.renew(Instant::now() + self.timeout + more);
    }

    /// Whether anything can still be said.
    pub(super) fn is_usable(&self) -> bool {
        self.wire.is_usable()
    }

    /// One statement, and its answer.
    pub(super) fn ask(&mut self, text: &str, params: &[Param<'_>]) -> Result<Answer, Cause> {
        self.send(text, params)?;
        self.answer()
    }

    /// One statement, the answer of which is fetched later.
    pub(super) fn send(&mut self, text: &str, params: &[Param<'_>]) -> Result<(), Cause> {
        self.prepare(text)?;
        self.bind(params)?;
        frontend::sync(&mut self.wire.out);
        self.wire.flush()
    }

    pub(super) fn answer(&mut self) -> Result<Answer, Cause> {
        let mut answer = Answer {
            rows: Vec::new(),
            tag: String::new(),
        };
        let mut failed = None;
        loop {
            match self.wire.receive_any()? {
                Message::DataRow(body) => match row(&body) {
                    Some(row) => answer.rows.push(row),
                    None => return Err(self.wire.strange("answers half a row")),
                },
                Message::CommandComplete(body) => {
                    answer.tag = body.tag().unwrap_or_default().to_owned();
                }
                Message::ErrorResponse(body) => failed = Some(refused(&body)),
                Message::ReadyForQuery(_) => return failed.map_or(Ok(answer), Err),
                _ => {}
            }
        }
    }

    /// One statement for each of several rows, many of them on their way at once.
    pub(super) fn each<'a, const N: usize>(
        &mut self,
        text: &str,
        rows: impl Iterator<Item = [Param<'a>; N]>,
    ) -> Result<(), Cause> {
        let mut rows = rows.peekable();
        if rows.peek().is_some() {
            self.prepare(text)?;
        }
        while rows.peek().is_some() {
            for _ in 0..BINDS {
                match rows.next() {
                    Some(row) => self.bind(&row)?,
                    None => break,
                }
                if self.wire.out.len() >= BYTES {
                    break;
                }
            }
            frontend::sync(&mut self.wire.out);
            self.wire.flush()?;
            self.answer()?;
        }
        Ok(())
    }

    /// Several statements, all of which happen or none; which also is so when the work says that it lost.
    pub(super) fn transaction(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<bool, Cause>,
    ) -> Result<bool, Cause> {
        self.ask("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", &[])?;
        let done = work(self);
        if !matches!(done, Ok(true)) {
            if self.is_usable() {
                self.ask("ROLLBACK", &[])?;
            }
            return done;
        }
        self.ask("COMMIT", &[])?;
        Ok(true)
    }

    fn prepare(&mut self, text: &str) -> Result<(), Cause> {
        if !self.is_usable() {
            let words = "the connection to postgres was lost before";
            return Err(Cause::new(CauseKind::Unreachable, words));
        }
        self.wire.out.clear();
        let packed = frontend::parse("", text, [], &mut self.wire.out);
        self.wire.packed(packed)
    }

    fn bind(&mut self, params: &[Param<'_>]) -> Result<(), Cause> {
        let binary = [1_i16];
        let bound = frontend::bind(
            "",
            "",
            binary,
            params,
            |param, into| {
                match param {
                    Param::Int(int) => into.extend_from_slice(&int.to_be_bytes()),
                    Param::Text(text) => into.extend_from_slice(text.as_bytes()),
                    Param::Bytes(bytes) => into.extend_from_slice(bytes),
                }
                Ok(IsNull::No)
            },
            binary,
            &mut self.wire.out,
        );
        bound.map_err(|_| garbled("a value is too large to be kept in postgres"))?;
        let packed = frontend::execute("", 0, &mut self.wire.out);
        self.wire.packed(packed)
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

fn row(body: &DataRowBody) -> Option<Row> {
    let field = |range: Option<std::ops::Range<usize>>| {
        let bytes = range.and_then(|range| body.buffer().get(range));
        Ok(bytes.map(<[u8]>::to_vec))
    };
    body.ranges().map(field).collect().ok()
}

/// A field of a row as a number, if it is one.
pub(super) fn int(row: &Row, at: usize) -> Option<i64> {
    let bytes = row.get(at)?.as_deref()?;
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

/// A field of a row as bytes, if there is one.
pub(super) fn bytes(row: &Row, at: usize) -> Option<&[u8]> {
    row.get(at)?.as_deref()
}

/// A field of a row as words for a message.
pub(super) fn words(row: &Row, at: usize) -> String {
    let text = String::from_utf8_lossy(bytes(row, at).unwrap_or_default()).into_owned();
    runward_canary::bounded(&text, 200)
}

/// Whether the only answer is true.
pub(super) fn yes(answer: &Answer) -> bool {
    let row = answer.rows.first();
    row.and_then(|row| bytes(row, 0)) == Some(&[1])
}

fn millis(length: Duration) -> String {
    length.as_millis().clamp(1, 86_400_000).to_string()
}

fn ascii(c: char) -> char {
    if c.is_ascii_graphic() || c == ' ' {
        c
    } else {
        '?'
    }
}
