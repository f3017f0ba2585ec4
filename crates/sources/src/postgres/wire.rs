//! The conversation with a server. The words are the library's, the order is the manual's: "Message Flow".

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use runward_canary::{Cause, CauseKind};

use super::address::Address;
use crate::look::fault;
use crate::net::{Endpoint, Line};
use crate::rows::garbled;

/// All answers of one look together, or of one call.
const ROOM: usize = 512 << 20;

/// A connection that is logged in.
pub(super) struct Wire {
    line: Line,
    endpoint: Endpoint,
    pub(super) out: BytesMut,
    read: BytesMut,
    broken: bool,
}

impl Wire {
    pub(super) fn open(address: &Address, until: Instant) -> Result<Self, Cause> {
        let endpoint = address.endpoint.clone();
        let line = endpoint.connect(until, ROOM);
        let line = line.map_err(|error| fault(format!("postgres at {endpoint}"), &error))?;
        let mut wire = Self {
            line,
            endpoint,
            out: BytesMut::new(),
            read: BytesMut::new(),
            broken: false,
        };
        wire.log_in(address)?;
        Ok(wire)
    }

    /// Begins to reckon anew: everything has to be over then.
    pub(super) fn renew(&mut self, until: Instant) {
        self.line.renew(until, ROOM);
    }

    /// Lets the kernel find out that the server's machine is gone.
    pub(super) fn keep_alive(&mut self) -> Result<(), Cause> {
        let kept = self.line.keep_alive();
        kept.map_err(|error| self.io(&error))
    }

    /// Whether anything can still be said.
    pub(super) fn is_usable(&self) -> bool {
        !self.broken
    }

    fn log_in(&mut self, address: &Address) -> Result<(), Cause> {
        let parameters = [
            ("user", address.user.as_str()),
            ("database", &address.database),
            ("application_name", "runward-canary"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("TimeZone", "UTC"),
        ];
        let packed = frontend::startup_message(parameters, &mut self.out);
        self.packed(packed)?;
        self.flush()?;
        loop {
            match self.receive()? {
                Message::AuthenticationOk => {}
                Message::ReadyForQuery(_) => return Ok(()),
                Message::AuthenticationCleartextPassword => {
                    self.say_password(password(address)?.as_bytes())?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let password = password(address)?.as_bytes();
                    let hash = md5_hash(address.user.as_bytes(), password, body.salt());
                    self.say_password(hash.as_bytes())?;
                }
                Message::AuthenticationSasl(_) => self.scram(password(address)?)?,
                Message::BackendKeyData(_) => {}
                _ => return Err(self.strange("wants a login that is not known here")),
            }
        }
    }

    fn say_password(&mut self, password: &[u8]) -> Result<(), Cause> {
        let packed = frontend::password_message(password, &mut self.out);
        self.packed(packed)?;
        self.flush()
    }

    fn scram(&mut self, password: &str) -> Result<(), Cause> {
        let unsupported = sasl::ChannelBinding::unsupported();
        let mut scram = sasl::ScramSha256::new(password.as_bytes(), unsupported);
        let packed =
            frontend::sasl_initial_response(sasl::SCRAM_SHA_256, scram.message(), &mut self.out);
        self.packed(packed)?;
        self.flush()?;
        let Message::AuthenticationSaslContinue(body) = self.receive()? else {
            return Err(self.strange("breaks off the login"));
        };
        scram.update(body.data()).map_err(|error| self.io(&error))?;
        let packed = frontend::sasl_response(scram.message(), &mut self.out);
        self.packed(packed)?;
        self.flush()?;
        let Message::AuthenticationSaslFinal(body) = self.receive()? else {
            return Err(self.strange("breaks off the login"));
        };
        scram.finish(body.data()).map_err(|error| self.io(&error))
    }

    /// A command of ours, without an answer.
    pub(super) fn command(&mut self, text: &str) -> Result<(), Cause> {
        self.simple(text).map(drop)
    }

    /// A query of ours with one row of two fields.
    pub(super) fn row(&mut self, text: &str) -> Result<(String, String), Cause> {
        let row = self.simple(text)?;
        let mut fields = row.into_iter();
        let mut field = || {
            fields
                .next()
                .ok_or_else(|| garbled("postgres: a field is missing"))
        };
        Ok((field()?, field()?))
    }

    fn simple(&mut self, text: &str) -> Result<Vec<String>, Cause> {
        let packed = frontend::query(text, &mut self.out);
        self.packed(packed)?;
        self.flush()?;
        let (mut row, mut failed) = (Vec::new(), None);
        loop {
            match self.receive_any()? {
                Message::ReadyForQuery(_) => return failed.map_or(Ok(row), Err),
                Message::ErrorResponse(body) => failed = Some(refused(&body)),
                Message::DataRow(body) => {
                    let text = |range: Option<std::ops::Range<usize>>| {
                        let bytes = range.and_then(|range| body.buffer().get(range));
                        Ok(String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned())
                    };
                    row = body
                        .ranges()
                        .map(text)
                        .collect()
                        .map_err(|error| self.io(&error))?;
                }
                _ => {}
            }
        }
    }

    /// Sends what was gathered.
    pub(super) fn flush(&mut self) -> Result<(), Cause> {
        let out = self.out.split();
        let sent = self.line.write_all(&out);
        sent.map_err(|error| self.io(&error))
    }

    /// The next message; an error of the server is one.
    pub(super) fn receive(&mut self) -> Result<Message, Cause> {
        match self.receive_any()? {
            Message::ErrorResponse(body) => Err(refused(&body)),
            message => Ok(message),
        }
    }

    pub(super) fn receive_any(&mut self) -> Result<Message, Cause> {
        loop {
            match Message::parse(&mut self.read) {
                Ok(Some(
                    Message::NoticeResponse(_)
                    | Message::ParameterStatus(_)
                    | Message::NotificationResponse(_),
                )) => {}
                Ok(Some(message)) => return Ok(message),
                Ok(None) => self.more()?,
                Err(_) => return Err(self.strange("answers what is none of PostgreSQL")),
            }
        }
    }

    fn more(&mut self) -> Result<(), Cause> {
        let mut part = [0; 64 * 1024];
        match self.line.read(&mut part) {
            Ok(0) => Err(self.io(&io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => {
                self.read
                    .extend_from_slice(part.get(..read).unwrap_or_default());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.io(&error)),
        }
    }

    /// What cannot be said: a text with a zero in it, or one that is too long.
    pub(super) fn packed(&mut self, packed: io::Result<()>) -> Result<(), Cause> {
        packed.map_err(|error| garbled(format!("postgres cannot be asked: {error}")))
    }

    pub(super) fn strange(&mut self, what: &str) -> Cause {
        self.broken = true;
        garbled(format!("postgres at {} {what}", self.endpoint))
    }

    pub(super) fn io(&mut self, error: &io::Error) -> Cause {
        self.broken = true;
        fault(format!("postgres at {}", self.endpoint), error)
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

fn password(address: &Address) -> Result<&str, Cause> {
    let none = || {
        Cause::new(
            CauseKind::Denied,
            "postgres asks for a password, and the address has none",
        )
    };
    address.password.as_deref().ok_or_else(none)
}

/// What the server says instead of an answer: its code and its main words. These may quote a value; the detail, which quotes whole rows, is left out.
pub(super) fn refused(body: &ErrorResponseBody) -> Cause {
    let (mut code, mut words) = (String::new(), String::new());
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let text = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => code = text(),
            b'M' => words = text(),
            _ => {}
        }
    }
    // Classes of SQLSTATE: 28 login, 42501 privilege, 57014 cancelled, 57 and 53 and 08 a server in trouble.
    let kind = match code.as_str() {
        "42501" => CauseKind::Denied,
        "57014" | "55P03" => CauseKind::Timeout,
        code if code.starts_with("28") => CauseKind::Denied,
        code if ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            CauseKind::Unreachable
        }
        _ => CauseKind::Garbled,
    };
    Cause::new(kind, format!("postgres answers {code}: {words}"))
}
